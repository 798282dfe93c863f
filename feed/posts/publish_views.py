"""Publishing one's own pictures, changing how they are published, and taking them down."""

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.members.own_changes import remember_own_change
from feed.posts import services as posts_services
from feed.posts.forms import PublishForm, show_refusal
from feed.posts.models import Post
from feed.posts.views import find_post
from feed.rates import check_member_rate
from feed.responses import for_members, says_no
from feed.tags.services import suggest_from_prompt, tags_of
from generation.media.signing import Picture, picture
from generation.models import Image
from lib.days import local_day
from lib.errors import Refused


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def publish(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Publishes an own picture, or changes how it is published."""
    at, member = timezone.now(), member_of(request)
    image = _own_image(public_id, request)
    post = Post.objects.filter(image=image, deleted_at=None).first()
    challenge = _enterable_challenge(image, at)
    was_published = post is not None and post.is_published
    tags = tags_of(post) if post else []
    initial = {
        "title": post.title if post else "",
        "tags": ", ".join(tags),
        "alt_text": image.alt_text,
        "hide_prompt": image.is_prompt_hidden,
    }
    form = PublishForm(request.POST or None, initial=initial, theme=challenge.theme if challenge else "")
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member, "publish")
            entered = challenge if form.cleaned_data.get("enter_challenge") else None
            words = {name: form.cleaned_data[name] for name in ("title", "tags", "alt_text", "hide_prompt")}
            published = posts_services.publish_image(image=image, author=member, challenge=entered, at=at, **words)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            remember_own_change(member, at)
            messages.success(request, _("Saved.") if was_published else _("Published."))
            return redirect(published)
    context = {
        "form": form,
        "image": image,
        "post": post,
        "picture": _own_picture(image, member, at),
        "suggestions": [
            tag for tag in suggest_from_prompt(prompt=image.generation.prompt, viewer=member, at=at) if tag not in tags
        ],
    }
    return render(request, "feed/publish.html", context, status=422 if form.errors else 200)


def _own_image(public_id: str, request: HttpRequest) -> Image:
    own = Image.objects.filter(author=member_of(request)).visible_to(request.user, timezone.now())
    image = get_object_or_404(own.select_related("generation"), public_id=public_id)
    if not image.rendition_widths:
        raise Http404("The picture is not made yet.")
    return image


def _own_picture(image: Image, member: User, at: datetime) -> Picture:
    return picture(image, viewer_may_sign=True, viewer=member, sizes="(min-width: 720px) 360px, 100vw", at=at)


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
    posts_services.unpublish_post(post=post, author=member, at=at)
    remember_own_change(member, at)
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
    posts_services.delete_post(post=post, author=member, at=at)
    remember_own_change(member, at)
    messages.success(request, _("The post is deleted. The picture is still among yours."))
    return redirect("feed:profile", member.username)
