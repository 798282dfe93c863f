"""``manage.py index_search``: index visible posts that search does not know, and embed what no worker has embedded."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from feed.posts.models import Post
from feed.posts.visibility import refresh_visibility
from feed.search.embeddings.indexing import embed_texts

AT_ONCE = 500


class Command(BaseCommand):
    help = "Indexes and embeds all visible posts that search does not know yet. May run again, while the site runs."

    def handle(self, *args: Any, **options: Any) -> None:
        known, last, at = 0, 0, timezone.now()
        missing = Post.objects.public(at).filter(search_entry=None).order_by("pk").values_list("pk", flat=True)
        while posts := list(missing.filter(pk__gt=last)[:AT_ONCE]):
            with transaction.atomic():
                refresh_visibility(posts, at)
            known, last = known + len(posts), posts[-1]
        embedded = 0
        while done := embed_texts():
            embedded += done
        self.stdout.write(f"Indexed {known} posts and embedded {embedded}.")
