"""``manage.py index_search``: index visible posts that search does not know, and embed what no worker has embedded.

Tags, mutes and words of posts that an earlier version cut otherwise are brought to today's form.
"""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from feed.comments.services import cut_comments
from feed.members.services import recut_mutes
from feed.posts.models import Post, PostQuerySet
from feed.posts.services import respell_tags
from feed.posts.visibility import refresh_visibility
from feed.search.embeddings.indexing import embed_texts
from lib.text import TOKENISER

AT_ONCE = 500


class Command(BaseCommand):
    help = "Indexes and embeds all visible posts that search does not know yet. May run again, while the site runs."

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        changed = {"tags": respell_tags(at), "mutes": recut_mutes(), "comments": cut_comments()}
        for name, number in changed.items():
            if number:
                self.stdout.write(f"Cut {number} {name} again.")
        missing = Post.objects.public(at).filter(search_entry=None)
        stale = Post.objects.filter(deleted_at=None).exclude(words__version=TOKENISER)
        known = _refresh(stale, at) + _refresh(missing, at)
        embedded = 0
        while done := embed_texts():
            embedded += done
        self.stdout.write(f"Indexed {known} posts and embedded {embedded}.")


def _refresh(posts: PostQuerySet, at: datetime) -> int:
    """Brings these posts up to date, a bounded number in each transaction; returns how many."""
    known, last = 0, 0
    while ids := list(posts.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            refresh_visibility(ids, at)
        known, last = known + len(ids), ids[-1]
    return known
