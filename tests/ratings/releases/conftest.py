from tests.ratings.releases.community import community, make_pair, other_answers, release_folder

__all__ = ["community", "make_pair", "other_answers", "release_folder"]
