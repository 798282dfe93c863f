"""Finds what is similar to a post or to an uploaded picture."""

from datetime import datetime

import PIL.Image
from django.utils.translation import gettext as _

from accounts.models import Viewer
from feed.posts.models import Post
from feed.search.embeddings import images
from feed.search.query_language import parse
from feed.search.results import check_search_rate, read_results
from lib.errors import Refused
from lib.images import hash_picture, is_reliable

MOST_SIMILAR = 12


def pdq_hash(picture: PIL.Image.Image) -> str:
    """The PDQ hash of a picture as 64 hexadecimal digits.

    Raises:
        Refused: 400 for a picture that is too plain for PDQ.
    """
    bits, quality = hash_picture(picture)
    if not is_reliable(quality):
        raise Refused("too_plain", _("This picture is too plain to compare. Choose one with more detail."))
    return f"{int(bits, 2):064x}"


def query_for_picture(picture: PIL.Image.Image, viewer: Viewer, *, address: str) -> str:
    """The query that finds pictures similar to an uploaded one, which is not kept.

    Raises:
        Refused: 429 for a viewer who searches too often; as `pdq_hash`, if no image encoder is installed.
    """
    check_search_rate(viewer, address)
    return f"looks:{images.remember_upload(picture) if images.is_available() else pdq_hash(picture)}"


def find_similar_posts(post: Post, viewer: Viewer, at: datetime) -> tuple[list[Post], str]:
    """Some posts similar to this one and the query that finds more: by meaning, or by picture if it has no words."""
    for operator in ("like", "looks"):
        query = f"{operator}:{post.public_id}"
        try:
            found = read_results(parse(query), viewer, at=at, size=MOST_SIMILAR, is_stacked=True).posts
        except Refused:  # has nothing to compare
            continue
        if found:
            return found, query
    return [], ""
