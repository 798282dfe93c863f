"""One post: its page, publishing, taking down, liking."""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Refused
from accounts.models import Viewer
from accounts.permissions import member_of
from feed import copying, services
from feed.cards import card_of, picture_of, remix_url
from feed.days import local_day
from feed.family import children_of, parent_of
from feed.forms import PublishForm, show_refusal
from feed.models import Challenge, Post
from feed.ranking import age_term, vote_term
from feed.rates import check_member_rate
from feed.reading import remember_own_news
from feed.views.support import came_from, for_members, is_htmx, says_no
from generation.files import Picture, is_plainly_public, picture
from generation.models import Image
from moderation.targets import target_type

DETAIL_SIZES = "(min-width: 960px) 65vw, 100vw"


def find_post(public_id: str, viewer: Viewer, at: datetime) -> Post:
    """Raises Http404 for what the viewer may not see."""
    posts = Post.objects.visible_to(viewer, at).with_card(viewer).select_related("image__generation__style", "entry")
    return get_object_or_404(posts, public_id=public_id)


@require_safe
def post_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    at, viewer = timezone.now(), request.user
    post = find_post(public_id, viewer, at)
    is_readable = post.may_read_prompt(viewer)
    is_own = viewer.pk == post.author_id
    context = {
        "post": post,
        "card": card_of(post, viewer, at),
        "picture": picture_of(post, viewer, at, DETAIL_SIZES),
        "is_own": is_own,
        "is_prompt_readable": is_readable,
        "copies": _copies(post) if is_readable else {},
        "same_url": remix_url(post, "same") if is_readable else "",
        "inspired_url": remix_url(post, "inspired"),
        "score": _score(post),
        "family": {
            "parent": parent_of(post, viewer, at),
            "children": children_of(post, viewer, at),
        },
        "entries": Challenge.objects.filter(entries__post=post).order_by("-day"),
        "report_url": _report_url(post),
        "og": _open_graph(post),
    }
    return render(request, "feed/post.html", context)


def _report_url(post: Post) -> str:
    return reverse("moderation:report", args=[target_type(post), post.public_id])


def _open_graph(post: Post) -> dict[str, str] | None:
    """What a link to the post shows elsewhere; nothing for what not everybody may see, and no hidden prompt."""
    if not (post.is_hung and is_plainly_public(post.image)):
        return None
    by = _("A picture by %(name)s") % {"name": post.author.username}
    prompt = "" if post.image.is_prompt_hidden else post.image.generation.prompt
    return {"title": post.title or by, "description": Truncator(prompt).chars(200) or by}


def _copies(post: Post) -> dict[str, str]:
    image = post.image
    return {
        "json": copying.as_json(image),
        "parameters": copying.as_parameters(image),
        "curl": copying.as_curl(image, settings.SITE_URL),
    }


def _score(post: Post) -> dict[str, float]:
    """The terms of `hot`, for “why is this here?”."""
    weight = post.count.weight
    votes, age = vote_term(weight), age_term(post.published_at)
    return {"weight": weight, "votes": votes, "age": age, "hot": votes + age}


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def publish(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Publishes an own picture, or changes how it is published."""
    at, member = timezone.now(), member_of(request)
    image = _own_image(public_id, request)
    post = Post.objects.filter(image=image, deleted_at=None).first()
    challenge = _enterable_challenge(image, at)
    initial = {"title": post.title if post else "", "hide_prompt": image.is_prompt_hidden}
    form = PublishForm(request.POST or None, initial=initial, theme=challenge.theme if challenge else "")
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member, "publish")
            entered = challenge if form.cleaned_data.get("enter_challenge") else None
            words = {name: form.cleaned_data[name] for name in ("title", "hide_prompt")}
            hung = services.publish_image(image=image, author=member, challenge=entered, at=at, **words)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            remember_own_news(member, at)
            messages.success(request, _("Published."))
            return redirect(hung)
    context = {"form": form, "image": image, "post": post, "picture": _own_picture(image, at)}
    return render(request, "feed/publish.html", context, status=422 if form.errors else 200)


def _own_image(public_id: str, request: HttpRequest) -> Image:
    own = Image.objects.filter(author=member_of(request)).visible_to(request.user, timezone.now())
    image = get_object_or_404(own.select_related("generation"), public_id=public_id)
    if not image.rendition_widths:
        raise Http404("The picture is not made yet.")
    return image


def _own_picture(image: Image, at: datetime) -> Picture:
    return picture(image, viewer_may_sign=True, sizes="(min-width: 720px) 360px, 100vw", at=at)


def _enterable_challenge(image: Image, at: datetime) -> Challenge | None:
    """Today's challenge, if the picture was made today and is not in it yet."""
    if local_day(image.generation.submitted_at) != local_day(at):
        return None
    return Challenge.objects.current(at).exclude(entries__post__image=image).first()


@require_POST
@for_members
@says_no
def unpublish(request: HttpRequest, public_id: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post, public_id=public_id, author=member)
    services.unpublish_post(post=post, author=member, at=at)
    remember_own_news(member, at)
    messages.success(request, _("Taken down. Publish it again whenever you like: its age and its likes are kept."))
    return redirect(post)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def delete(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asks once, on a page that works without a script, then deletes."""
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post, public_id=public_id, author=member)
    if request.method != "POST":
        return render(request, "feed/delete.html", {"post": find_post(public_id, member, at)})
    services.delete_post(post=post, author=member, at=at)
    remember_own_news(member, at)
    messages.success(request, _("The post is deleted. The picture is still among yours."))
    return redirect("feed:profile", member.username)


@require_http_methods(["GET", "HEAD", "POST"])
def like(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _vote(request, public_id=public_id, is_liked=True)


@require_http_methods(["GET", "HEAD", "POST"])
def unlike(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _vote(request, public_id=public_id, is_liked=False)


@says_no
def _vote(request: HttpRequest, *, public_id: str, is_liked: bool) -> HttpResponseBase:
    """A form of a card or a post: htmx gets the button in its new state, a plain form its page again."""
    if request.method != "POST":  # the address on its own, as a link that somebody kept
        return redirect("feed:post-detail", public_id)
    return _vote_signed_in(request, public_id=public_id, is_liked=is_liked)


@for_members
def _vote_signed_in(request: HttpRequest, *, public_id: str, is_liked: bool) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    check_member_rate(member, "like")
    post = find_post(public_id, member, at)
    if is_liked:
        changed = services.like_post(post=post, member=member, at=at)
    else:
        changed = services.unlike_post(post=post, member=member)
    post.is_liked = is_liked
    if changed:  # what the fold will find, shown before it has
        post.count.likes = max(0, post.count.likes + (1 if is_liked else -1))
    if is_htmx(request):
        return render(request, "_like.html", {"card": card_of(post, member, at)})
    return redirect(came_from(request, post.get_absolute_url()))
