"""Strangers' words keep their direction to themselves: in Hebrew or Arabic they turn nothing around them."""

from django.conf import settings

from tests.config.template_words import strangers_words


def test_every_word_of_a_stranger_is_isolated_in_every_template() -> None:
    """By <bdi> or dir="auto"; attributes and <title> stand for themselves."""
    root = settings.BASE_DIR / "templates"
    found = {
        (str(path.relative_to(root)), name, isolated)
        for path in root.rglob("*.html")
        for _at, name, isolated in strangers_words(path, root)
    }
    assert len(found) > 60
    assert {(path, name) for path, name, isolated in found if not isolated} == set()
