"""``manage.py index_search``: gives posts that search does not know their row, and reads what no worker has read."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from feed.posts.models import Post
from feed.posts.visibility import refresh_visibility
from feed.search.text_indexing import read_entries

AT_ONCE = 500


class Command(BaseCommand):
    help = "Brings search up to date with the published posts; may be run again at any time, and beside the site."

    def handle(self, *args: Any, **options: Any) -> None:
        known, last, at = 0, 0, timezone.now()
        missing = Post.objects.public(at).filter(search_entry=None).order_by("pk").values_list("pk", flat=True)
        while posts := list(missing.filter(pk__gt=last)[:AT_ONCE]):
            with transaction.atomic():
                refresh_visibility(posts, at)
            known, last = known + len(posts), posts[-1]
        read = 0
        while done := read_entries():
            read += done
        self.stdout.write(f"Search knows {known} more posts and has read {read}.")
