"""Pages of the models and styles that pictures are made with, each with its gallery."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import level_for
from feed.lists.filters import Filters
from feed.lists.pages import read_page
from feed.lists.spec import FeedSpec
from feed.posts.cards import card_of, picture_of
from feed.posts.models import Post
from feed.responses import cut_note, render_list, says_no
from generation.models import Checkpoint, Style

SHOWN, EXAMPLES = 12, 4  # models and styles of the index, and pictures of each
LOOKED_AT = 16  # posts of each, for the variations among them


@require_safe
def models(request: HttpRequest) -> HttpResponseBase:
    """The models and styles of the site, with some pictures of each."""
    context = {
        "models": _examples(request, "checkpoint", "feed:model", Checkpoint.objects.filter(is_enabled=True)),
        "styles": _examples(request, "style", "feed:look", Style.objects.all()),
    }
    return render(request, "feed/models.html", context)


def _examples(request: HttpRequest, kind: str, view: str, rows: QuerySet[Checkpoint] | QuerySet[Style]) -> list[object]:
    """Rows by name, each with its first pictures; two queries, however many rows there are."""
    viewer, at = request.user, timezone.now()
    made_with = Post.objects.listed_for(viewer, at).filter(**{f"image__generation__{kind}": OuterRef("pk")})
    best = ArraySubquery(made_with.order_by("-entry__hot", "-pk").values("pk")[:LOOKED_AT])
    shown: list[Any] = list(rows.annotate(best=best).order_by("name")[:SHOWN])
    posts = Post.objects.with_card(viewer, at).in_bulk([pk for row in shown for pk in row.best])
    found: list[object] = []
    for row in shown:
        # One of each generation: its variations would fill the row.
        fronts: dict[int, Post] = {}
        for pk in row.best:
            if pk in posts and not posts[pk].is_blurred:
                fronts.setdefault(posts[pk].image.generation_id, posts[pk])
        pictures = [(post.get_absolute_url(), picture_of(post, viewer, at)) for post in [*fronts.values()][:EXAMPLES]]
        found.append({"row": row, "url": reverse(view, args=[row.slug]), "pictures": pictures})
    return found


def _spec(request: HttpRequest, kind: str, slug: str) -> FeedSpec:
    filters = Filters(**{kind: slug})
    return FeedSpec("hot", "all", level_for(request.user), filters=filters, is_stacked=True)


@require_safe
@says_no
def model(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A checkpoint: what it is, and what people make with it."""
    found = get_object_or_404(Checkpoint, slug=slug)
    return _gallery(request, "checkpoint", found, {"model": found})


@require_safe
@says_no
def look(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A style that the site offers."""
    found = get_object_or_404(Style, slug=slug)
    return _gallery(request, "style", found, {"style": found})


def _gallery(request: HttpRequest, kind: str, row: Checkpoint | Style, about: dict[str, object]) -> HttpResponseBase:
    at, spec = timezone.now(), _spec(request, kind, row.slug)
    page = read_page(spec, request.user, at=at, cursor=request.GET.get("cursor", ""))
    context: dict[str, object] = {
        **about,
        "row": row,
        "kind": kind,
        "create_url": f"{reverse('generation:create')}?{kind}={row.slug}",
        "feed_url": spec.url(),
        "cards": [card_of(post, request.user, at) for post in page.posts],
        "next_url": f"{request.path}?cursor={page.next}" if page.next else "",
        "note": cut_note() if page.is_cut else "",
        "is_cut": page.is_cut,
    }
    return render_list(request, "feed/gallery.html", "feed/_page.html", context)
