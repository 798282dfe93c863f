"""What is like a post or a picture."""

from datetime import datetime

import PIL.Image
from django.utils.translation import gettext as _

from accounts.models import Viewer
from feed.posts.models import Post
from feed.search import image_embeddings
from feed.search.query_language import parse
from feed.search.results import read_results
from lib.errors import Refused
from lib.images import hash_picture, is_reliable

IN_A_STRIP = 12


def hash_of(picture: PIL.Image.Image) -> str:
    """The PDQ hash of a picture as 64 hexadecimal digits.

    Raises:
        Refused: 400 for a picture in which PDQ finds too little.
    """
    bits, quality = hash_picture(picture)
    if not is_reliable(quality):
        raise Refused("too_plain", _("That picture is too plain to compare. Choose one with more in it."))
    return f"{int(bits, 2):064x}"


def query_for(picture: PIL.Image.Image) -> str:
    """The query that finds what looks like an uploaded picture; the picture itself is not kept.

    Raises:
        Refused: as `hash_of`, where no image encoder was chosen.
    """
    return f"looks:{image_embeddings.remember(picture) if image_embeddings.is_available() else hash_of(picture)}"


def posts_like(post: Post, viewer: Viewer, at: datetime) -> tuple[list[Post], str]:
    """Some posts like this one and the query that finds more; by looks where it has no words to compare."""
    for operator in ("like", "looks"):
        query = f"{operator}:{post.public_id}"
        try:
            found = read_results(parse(query), viewer, at=at, size=IN_A_STRIP).posts
        except Refused:  # nothing to compare it by
            continue
        if found:
            return found, query
    return [], ""
