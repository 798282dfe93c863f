"""The page of a post, liking it, taking down and deleting one's own, and running a seed again."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.comments.forms import CommentForm
from feed.comments.models import Comment
from feed.comments.queries import authors_of, count_comments, read_threads
from feed.members.models import Follow
from feed.posts import export_formats
from feed.posts import services as posts_services
from feed.posts.avatars import add_avatars
from feed.posts.bulk_actions import read_originals, unpublish_posts
from feed.posts.cards import card_of, picture_of, remix_url, shared_jpeg
from feed.posts.lineage import LONG, lineage_of
from feed.posts.models import Post
from feed.posts.near_duplicates import near_duplicates_of, variations_of
from feed.posts.reproduction import outcome_of, reproduce_post
from feed.ranking.explain import score_of
from feed.responses import button_of_a_post, came_from, for_members, says_no, toast
from feed.tags.services import tags_of
from generation.catalogue.samplers import label as sampler_label
from generation.media.openings import remember_opening
from generation.media.signing import is_plainly_public, picture
from generation.queries import source_image_for
from lib.content_levels import ContentLevel
from lib.http import download, is_htmx, zip_files
from lib.pagination import read_keyset
from moderation.targets import target_type

DETAIL_SIZES = "(min-width: 960px) 65vw, 100vw"
SIDE_SIZES = "(min-width: 720px) 50vw, 100vw"
OWN_ON_A_PAGE = 60


def find_post(public_id: str, viewer: Viewer, at: datetime) -> Post:
    """Raises Http404 for what the viewer may not see."""
    return get_object_or_404(Post.objects.for_page(viewer, at), public_id=public_id)


@require_safe
@says_no
def post_detail(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """``?comments=`` is a cursor of older threads, ``?comment=`` an id whose thread stands on top."""
    at = timezone.now()
    try:
        post = find_post(public_id, request.user, at)
    except Http404:
        beyond = Post.objects.beyond_level_of(request.user, at).filter(public_id=public_id).first()
        if beyond is None:
            raise
        is_mature = beyond.image.content_level == ContentLevel.MATURE
        return render(request, "feed/age_gate.html", {"is_mature": is_mature}, status=404)
    return show_post(request, post, CommentForm(), at)


def show_post(
    request: HttpRequest, post: Post, form: CommentForm, at: datetime, answered: Comment | None = None
) -> HttpResponse:
    """The page of a post from `find_post`; `form` holds a comment being written, `answered` what it answers.

    Raises:
        Refused: 400 for a cursor that is not one of its comments.
    """
    viewer = request.user
    remember_opening(viewer, post.image_id)
    threads = read_threads(
        post, viewer, at=at, cursor=request.GET.get("comments", ""), first=request.GET.get("comment", "")
    )
    add_avatars([post.author, *authors_of(threads.rows)], viewer, at)
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
        "is_followed": bool(viewer.pk) and Follow.objects.filter(member=viewer.pk, followed=post.author_id).exists(),
        "is_prompt_readable": is_readable,
        "is_prompt_long": len(post.image.generation.prompt) > LONG,
        "sampler": sampler_label(post.image.generation.scheduler),
        "copies": _copies(post, viewer, at) if is_readable else {},
        "same_url": remix_url(post, "same") if is_readable else "",
        "inspired_url": remix_url(post, "inspired"),
        "score": score_of(post),
        "lineage": (lineage := lineage_of(post, viewer, at)),
        "parent": lineage.parent,
        "variations": [card_of(other, viewer, at) for other in variations_of(post, viewer, at)],
        "near_duplicates": [card_of(other, viewer, at) for other in near_duplicates_of(post, viewer, at)],
        "tags": tags_of(post.pk),
        "entries": Challenge.objects.filter(entries__post=post).order_by("-day"),
        "report_url": _report_url(post),
        "og": _open_graph(post, at),
    }


def _report_url(post: Post) -> str:
    return reverse("moderation:report", args=[target_type(post), post.public_id])


def _open_graph(post: Post, at: datetime) -> dict[str, Any] | None:
    """What a link to the post shows elsewhere; nothing for what not everybody may see, and no hidden prompt."""
    if not (post.is_published and is_plainly_public(post.image)):
        return None
    by = _("A picture by %(name)s") % {"name": post.author.username}
    prompt = "" if post.image.is_prompt_hidden else post.image.generation.prompt
    about = {"title": post.title or by, "description": Truncator(prompt).chars(200) or by}
    return {**about, "image": shared_jpeg(post.image, at)}


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
    post = Post.objects.for_page(member, at).filter(public_id=public_id).first()
    if post is None:
        return _unlike_unseen(request, public_id, member, is_liked=is_liked)
    if is_liked:
        changed = posts_services.like_post(post=post, member=member, at=at)
    else:
        changed = posts_services.unlike_post(post=post, member=member)
    post.is_liked = is_liked
    if changed:  # what the recount will find, shown before it ran
        post.count.likes = max(0, post.count.likes + (1 if is_liked else -1))
    if is_htmx(request):
        return render(request, "_like.html", {"card": card_of(post, member, at)})
    return redirect(came_from(request, post.get_absolute_url()))


def _unlike_unseen(request: HttpRequest, public_id: str, member: User, *, is_liked: bool) -> HttpResponseBase:
    """Withdraws a like from a post that the member can no longer see; nothing of the post is shown."""
    liked = Post.objects.none() if is_liked else Post.objects.filter(likes__member=member)
    posts_services.unlike_post(post=get_object_or_404(liked, public_id=public_id), member=member)
    if is_htmx(request):
        return toast(_("Unliked."))
    messages.success(request, _("Unliked."))
    return redirect(came_from(request, "/"))


@require_POST
@for_members
@says_no
def unpublish(request: HttpRequest, public_id: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    own = Post.objects.select_related("image")
    post = get_object_or_404(own, public_id=public_id, author=member)
    posts_services.unpublish_post(post=post, author=member, at=at)
    done = _("Taken down. You can publish it again: its date and likes are kept.")
    if is_htmx(request):
        return toast(done, changed=[post.image.public_id])
    messages.success(request, done)
    return redirect(post)


@require_POST
@for_members
@says_no
def pin(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Pins an own post to the profile, or with ``undo`` takes it off again."""
    member = member_of(request)
    post = get_object_or_404(Post, public_id=public_id, author=member)
    if "undo" in request.POST:
        posts_services.unpin_post(post=post, author=member)
        messages.success(request, _("Unpinned."))
    else:
        posts_services.pin_post(post=post, author=member)
        messages.success(request, _("Pinned to your profile."))
    return redirect(came_from(request, post.get_absolute_url()))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def delete(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asks once, on a page that works without a script, then deletes."""
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post, public_id=public_id, author=member)
    if request.method != "POST":
        return render(request, "feed/delete.html", {"post": find_post(public_id, member, at)})
    posts_services.delete_post(post=post, author=member, at=at)
    messages.success(request, _("Post deleted. The picture is still among yours."))
    return redirect("feed:profile", member.username)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def published(request: HttpRequest) -> HttpResponseBase:
    """One's own posts with a box each; what is to be done with those that are ticked is the button's value."""
    at, member = timezone.now(), member_of(request)
    if request.method == "POST":
        return _act(request, member)
    own = Post.objects.filter(author=member, deleted_at=None, removed_at=None).with_card(member, at)
    page = read_keyset(own, by="published_at", cursor=request.GET.get("cursor", ""), size=OWN_ON_A_PAGE)
    context = {
        "posts": [(post, card_of(post, member, at)) for post in page.rows if post.image.rendition_widths],
        "next_url": f"?cursor={page.next}" if page.next else "",
    }
    return render(request, "feed/published.html", context)


def _act(request: HttpRequest, member: User) -> HttpResponseBase:
    wanted, doing = request.POST.getlist("post"), request.POST.get("do", "")
    if doing == "download-all":
        return _originals(member, [])
    if not wanted:
        messages.warning(request, _("Select some pictures first."))
    elif doing == "download":
        return _originals(member, wanted)
    elif doing == "unpublish":
        count = unpublish_posts(author=member, public_ids=wanted)
        done = ngettext("%(n)s picture taken down.", "%(n)s pictures taken down.", count) % {"n": count}
        messages.success(request, done)
    return redirect("feed:published")


def _originals(member: User, public_ids: list[str]) -> HttpResponseBase:
    files = read_originals(author=member, public_ids=public_ids)
    return download(f"{member.username}-originals.zip", zip_files(files))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def reproduce(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """htmx asks again while the picture is made; without a script the page reloads itself."""
    at, member = timezone.now(), member_of(request)
    post = find_post(public_id, member, at)
    if request.method == "POST":
        reproduce_post(post=post, member=member, at=at)
        return redirect("feed:reproduce", post.public_id)
    outcome = outcome_of(post, member)
    made = outcome.image if outcome and outcome.image.rendition_widths else None
    context = {
        "post": post,
        "outcome": outcome,
        "is_readable": post.may_read_prompt(member),
        "before": picture_of(post, member, at, SIDE_SIZES),
        "after": picture(made, viewer_may_sign=True, viewer=member, sizes=SIDE_SIZES, at=at) if made else None,
    }
    return render(request, "feed/_reproduction.html" if is_htmx(request) else "feed/reproduce.html", context)
