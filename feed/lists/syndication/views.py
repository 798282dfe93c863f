"""Feeds and oEmbed: the same for everybody, signed in or not, so that every cache may keep them."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from feed.lists.pages import read_page
from feed.lists.spec import SPEC_PARAMETERS, FeedSpec
from feed.lists.syndication.formats import FORMATS, Channel, describe_embed, write_feed
from feed.posts.models import Post
from feed.search.results import search_posts
from feed.search.suggestions.queries import search_url
from lib.errors import Refused
from lib.http import client_network

VISITOR = AnonymousUser()
SECONDS = 300


@conditional_page
@cache_control(public=True, max_age=SECONDS)
@require_safe
def feed(request: HttpRequest, form: str) -> HttpResponse:
    """``/feeds/rss|atom|json/?sort=…&window=…&aspect=…&tag=…`` or ``?q=`` any search, as ``q=by:alice``."""
    at = timezone.now()
    if form not in FORMATS:
        raise Http404("Unknown feed format.")
    try:
        title, page, posts = _found(request, at) if request.GET.get("q", "").strip() else _listed(request, at)
    except Refused as refused:
        return HttpResponse(refused.message, status=refused.status, content_type="text/plain; charset=utf-8")
    own = f"{settings.SITE_URL}{request.get_full_path()}"
    channel = Channel(f"{settings.SITE_NAME}: {title}", settings.SITE_URL + page, own)
    return HttpResponse(write_feed(form, channel, posts, VISITOR, at), content_type=FORMATS[form])


def _listed(request: HttpRequest, at: datetime) -> tuple[str, str, list[Post]]:
    spec = FeedSpec.parse(VISITOR, *(request.GET.get(name, "") for name in SPEC_PARAMETERS))
    return spec.heading, spec.url(), read_page(spec, VISITOR, at=at).posts


def _found(request: HttpRequest, at: datetime) -> tuple[str, str, list[Post]]:
    text = request.GET["q"].strip()
    posts = search_posts(text, VISITOR, address=client_network(request), at=at).posts
    return text, search_url(text), posts


@cache_control(public=True, max_age=SECONDS)
@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """``/oembed/?url=…&format=json&maxwidth=…&maxheight=…``; 404 for what visitors may not see."""
    at = timezone.now()
    if request.GET.get("format", "json") != "json":
        return HttpResponse(_("Only format=json is supported."), status=501, content_type="text/plain; charset=utf-8")
    most = [_number(request.GET.get(name, "")) for name in ("maxwidth", "maxheight")]
    listed = Post.objects.listed_for(VISITOR, at).with_card(VISITOR)
    post = get_object_or_404(listed, public_id=_post_id(request.GET.get("url", "")))
    return JsonResponse(describe_embed(post, VISITOR, at, max_width=most[0], max_height=most[1]))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else None


def _post_id(url: str) -> str:
    """The public id in the address of a post's page on this site; empty for any other address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.netloc.lower() != urlsplit(settings.SITE_URL).netloc.lower():
        return ""
    try:
        found = resolve(parts.path if parts.path.endswith("/") else f"{parts.path}/")  # as the site itself redirects
    except Resolver404:
        return ""
    return str(found.kwargs["public_id"]) if found.view_name == "feed:post-detail" else ""
