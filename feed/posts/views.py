"""One post: its page, and liking it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.comments.models import Comment
from feed.comments.services import count_comments, read_threads
from feed.posts import export_formats
from feed.posts import services as posts_services
from feed.posts.cards import card_of, picture_of, remix_url
from feed.posts.forms import CommentForm
from feed.posts.lineage import LONG, family_of
from feed.posts.models import Post
from feed.posts.near_duplicates import near_duplicates_of, variations_of
from feed.ranking.explain import score_of
from feed.rates import check_member_rate
from feed.responses import button_of_a_post, came_from, says_no
from feed.tags.services import tags_of
from generation.media.signing import is_plainly_public
from generation.queries import source_image_for
from lib.http import is_htmx
from moderation.targets import target_type

DETAIL_SIZES = "(min-width: 960px) 65vw, 100vw"


def find_post(public_id: str, viewer: Viewer, at: datetime) -> Post:
    """Raises Http404 for what the viewer may not see."""
    posts = Post.objects.visible_to(viewer, at).with_card(viewer, at)
    posts = posts.select_related("image__generation__style", "entry")
    return get_object_or_404(posts, public_id=public_id)


@require_safe
@says_no
def post_detail(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """``?comments=`` is a cursor of older threads, ``?comment=`` an id whose thread stands on top."""
    at = timezone.now()
    return show_post(request, find_post(public_id, request.user, at), CommentForm(), at)


def show_post(
    request: HttpRequest, post: Post, form: CommentForm, at: datetime, answered: Comment | None = None
) -> HttpResponse:
    """The page of a post from `find_post`; `form` holds what somebody is about to say, `answered` what to.

    Raises:
        Refused: 400 for a cursor that is not one of its comments.
    """
    viewer = request.user
    threads = read_threads(
        post, viewer, at=at, cursor=request.GET.get("comments", ""), first=request.GET.get("comment", "")
    )
    context = {
        **_shown(post, viewer, at),
        "threads": threads.rows,
        "older_url": f"?comments={threads.next}#comments" if threads.next else "",
        "comment_count": count_comments(post, viewer, at),
        "comment_form": form,
        "answered": answered,
        "may_comment": post.is_published and isinstance(viewer, User),
    }
    return render(request, "feed/post.html", context, status=422 if form.errors else 200)


def _shown(post: Post, viewer: Viewer, at: datetime) -> dict[str, object]:
    is_readable = post.may_read_prompt(viewer)
    return {
        "post": post,
        "card": card_of(post, viewer, at),
        "picture": picture_of(post, viewer, at, DETAIL_SIZES),
        "is_own": viewer.pk == post.author_id,
        "is_prompt_readable": is_readable,
        "is_prompt_long": len(post.image.generation.prompt) > LONG,
        "sampler": post.image.generation.scheduler.removesuffix("Scheduler"),
        "copies": _copies(post, viewer, at) if is_readable else {},
        "same_url": remix_url(post, "same") if is_readable else "",
        "inspired_url": remix_url(post, "inspired"),
        "score": score_of(post),
        "family": family_of(post, viewer, at),
        "variations": [card_of(other, viewer, at) for other in variations_of(post, viewer, at)],
        "near_duplicates": [card_of(other, viewer, at) for other in near_duplicates_of(post, viewer, at)],
        "tags": tags_of(post),
        "entries": Challenge.objects.filter(entries__post=post).order_by("-day"),
        "report_url": _report_url(post),
        "og": _open_graph(post),
    }


def _report_url(post: Post) -> str:
    return reverse("moderation:report", args=[target_type(post), post.public_id])


def _open_graph(post: Post) -> dict[str, str] | None:
    """What a link to the post shows elsewhere; nothing for what not everybody may see, and no hidden prompt."""
    if not (post.is_published and is_plainly_public(post.image)):
        return None
    by = _("A picture by %(name)s") % {"name": post.author.username}
    prompt = "" if post.image.is_prompt_hidden else post.image.generation.prompt
    return {"title": post.title or by, "description": Truncator(prompt).chars(200) or by}


def _copies(post: Post, viewer: Viewer, at: datetime) -> dict[str, Any]:
    source = source_image_for(post.image, viewer, at)
    forms = export_formats.all_forms(post.image, source, settings.SITE_URL)
    return {**forms, "lacks_source": export_formats.lacks_source(post.image, source)}


@button_of_a_post
def like(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _vote(request, public_id, is_liked=True)


@button_of_a_post
def unlike(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _vote(request, public_id, is_liked=False)


def _vote(request: HttpRequest, public_id: str, *, is_liked: bool) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    check_member_rate(member, "like")
    post = find_post(public_id, member, at)
    if is_liked:
        changed = posts_services.like_post(post=post, member=member, at=at)
    else:
        changed = posts_services.unlike_post(post=post, member=member)
    post.is_liked = is_liked
    if changed:  # what the fold will find, shown before it has
        post.count.likes = max(0, post.count.likes + (1 if is_liked else -1))
    if is_htmx(request):
        return render(request, "_like.html", {"card": card_of(post, member, at)})
    return redirect(came_from(request, post.get_absolute_url()))
