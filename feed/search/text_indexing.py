"""Reading texts into vectors, in a worker."""

from collections.abc import Collection

from pgvector import HalfVector

from feed.search import text_embeddings
from feed.search.models import SearchEntry

AT_ONCE, MOST = 64, 5_000


def read_entries(post_ids: Collection[int] | None = None) -> int:
    """Embeds unread rows (all, or those of these posts), at most 5,000 a call; returns how many.

    Any number of workers may do this at a time: a vector is written only to a row whose text it was made of.
    """
    if not text_embeddings.is_available():
        return 0
    unread = SearchEntry.objects.unread().order_by("pk")
    if post_ids is not None:
        unread = unread.filter(pk__in=post_ids)
    done, last = 0, 0
    while done < MOST and (rows := list(unread.filter(pk__gt=last).values_list("pk", "text")[:AT_ONCE])):
        vectors = text_embeddings.embed([text for _pk, text in rows])
        for (pk, text), vector in zip(rows, vectors, strict=True):
            done += SearchEntry.objects.filter(pk=pk, text=text).update(meaning=HalfVector(vector))
        last = rows[-1][0]
    return done
