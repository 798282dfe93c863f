"""The sheet before anything is public, and what is done to several of one's own pictures at a time.

A script shows these pages as a sheet over the page one is on; without one they are pages of their own.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import member_of
from feed.challenges.models import Challenge
from feed.collections.models import CollectionQuerySet
from feed.collections.queries import addable
from feed.collections.services import default_collection
from feed.posts.models import Post
from feed.posts.services import hides_prompt
from feed.publishing import services
from feed.publishing.forms import CollectForm, PublishForm
from feed.responses import ToastAction, for_members, says_no, toast
from feed.tags.services import suggest_from_prompt, tags_of
from generation.media.signing import Picture, picture
from generation.models import Image
from lib.days import local_day
from lib.errors import Refused
from lib.http import add_refusal, is_htmx

MAX_COLLECTIONS = 100  # offered in a form
SIZES = "(min-width: 720px) 360px, 100vw"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def publish(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Publishes an own picture, or changes how it is published."""
    at, member = timezone.now(), member_of(request)
    image = _own_image(public_id, request)
    post = Post.objects.filter(image=image, deleted_at=None).first()
    challenge = _enterable_challenge([image], at)
    was_published = post is not None and post.is_published
    tags = tags_of(post.pk) if post else []
    initial = {
        "title": post.title if post else "",
        "tags": ", ".join(tags),
        "alt_text": image.alt_text,
        "hide_prompt": hides_prompt(image),
    }
    form = PublishForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        theme=challenge.theme if challenge else "",
        collections=_collections(member, at),
    )
    if request.method == "POST" and form.is_valid():
        try:
            entered = challenge if form.cleaned_data.get("enter_challenge") else None
            published = services.publish_picture(
                image=image, author=member, challenge=entered, at=at, **form.arguments()
            )
        except Refused as refused:
            add_refusal(form, refused)
        else:
            return _published(request, published, form, was_published=was_published)
    context = {
        "form": form,
        "image": image,
        "post": post,
        "picture": _own_picture(image, member, at),
        "suggestions": _suggestions(image, member, at, besides=tags),
    }
    return _show(request, "publish", context, form)


def _published(request: HttpRequest, post: Post, form: PublishForm, *, was_published: bool) -> HttpResponseBase:
    done = _("Saved.") if was_published else _("Published.")
    stays_hidden = form.arguments().get("hide_prompt") is False and post.image.is_prompt_hidden
    note = _("The prompt stays hidden, as another post of yours hides it. Show it there.") if stays_hidden else ""
    if is_htmx(request):
        actions = [ToastAction(_("See it"), post.get_absolute_url(), "link")]
        if not was_published:
            actions = [
                ToastAction(_("Undo"), reverse("feed:unpublish", args=[post.public_id])),
                ToastAction(_("Add details"), reverse("feed:publish", args=[post.image.public_id]), "sheet"),
            ]
        return toast(f"{done} {note}".strip(), actions=actions, changed=[post.image.public_id])
    messages.success(request, done)
    if note:
        messages.info(request, note)
    return redirect(post)


def _show(request: HttpRequest, name: str, context: dict[str, Any], form: Any = None) -> HttpResponse:
    """A page, or for htmx what its sheet holds."""
    template = f"feed/_{name}_sheet.html" if is_htmx(request) else f"feed/{name}.html"
    return render(request, template, context, status=422 if form is not None and form.errors else 200)


def _own_image(public_id: str, request: HttpRequest) -> Image:
    own = Image.objects.filter(author=member_of(request)).visible_to(request.user, timezone.now())
    image = get_object_or_404(own.select_related("generation"), public_id=public_id)
    if not image.rendition_widths:
        raise Http404("The picture is not made yet.")
    return image


def _own_picture(image: Image, member: User, at: datetime) -> Picture:
    return picture(image, viewer_may_sign=True, viewer=member, sizes=SIZES, at=at)


def _suggestions(image: Image, member: User, at: datetime, *, besides: Sequence[str] = ()) -> list[str]:
    listed = Post.objects.listed_for(member, at)
    return [tag for tag in suggest_from_prompt(prompt=image.generation.prompt, posts=listed) if tag not in besides]


def _enterable_challenge(images: Sequence[Image], at: datetime) -> Challenge | None:
    """Today's challenge, if the pictures were made today and are not in it yet."""
    if any(local_day(image.generation.submitted_at) != local_day(at) for image in images):
        return None
    return Challenge.objects.current(at).exclude(entries__post__image__in=images).first()


def _collections(member: User, at: datetime) -> CollectionQuerySet:
    return addable(member, at).order_by("-is_default", "name")[:MAX_COLLECTIONS]


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def act_on_pictures(request: HttpRequest) -> HttpResponseBase:
    """Does one thing to several own pictures, and says what became of each. What needs a form shows that first."""
    if request.method != "POST":
        return redirect("generation:history")
    at, member, action = timezone.now(), member_of(request), request.POST.get("do", "")
    public_ids = request.POST.getlist("image")[: services.MAX_AT_ONCE + 1]
    more: dict[str, Any] = {}
    if action in ("publish", "collect", "uncollect"):
        own = Image.objects.kept().filter(author=member, public_id__in=public_ids).select_related("generation")
        images = [image for image in own.order_by("-pk") if image.rendition_widths]
        if not images:
            raise Refused("no_pictures", _("Select some finished pictures first."))
        challenge = _enterable_challenge(images, at) if action == "publish" else None
        form = _form_for(request, member, at, challenge)
        if not form.is_valid():
            pictures = [_own_picture(image, member, at) for image in images]
            context: dict[str, Any] = {
                "form": form,
                "images": images,
                "pictures": pictures,
                "action": action,
                "count": len(images),
            }
            context["suggestions"] = _suggestions(images[0], member, at) if action == "publish" else []
            return _show(request, "several", context, form)
        more = form.arguments()
        if challenge is not None and form.cleaned_data.get("enter_challenge"):
            more["challenge"] = challenge
    outcomes = services.act_on_pictures(author=member, public_ids=public_ids, action=action, at=at, **more)
    return _tell(request, action, outcomes, member, at)


def _form_for(
    request: HttpRequest, member: User, at: datetime, challenge: Challenge | None
) -> PublishForm | CollectForm:
    """Bound once it was filled in: the button that asks for it sends none of its fields."""
    data = request.POST if "filled" in request.POST else None
    if request.POST.get("do") == "publish":
        theme = challenge.theme if challenge else ""
        return PublishForm(data, theme=theme, collections=_collections(member, at), several=True)
    default_collection(member=member, at=at)
    return CollectForm(data, collections=_collections(member, at))


def _tell(
    request: HttpRequest, action: str, outcomes: list[services.Outcome], member: User, at: datetime
) -> HttpResponseBase:
    """One toast where all went alike, else a list of what became of each."""
    done = [outcome.image.public_id for outcome in outcomes if outcome.is_done]
    body = _undo(request, action, done)
    summary = _summary(action, len(done))
    is_alike = len({outcome.message for outcome in outcomes}) == 1
    if is_htmx(request) and is_alike:
        text = summary if done else outcomes[0].message
        actions = [ToastAction(_("Undo"), reverse("feed:act-on-pictures"), body=body)] if body else []
        return toast(text, "success" if done else "error", actions=actions, changed=done)
    shown = [
        (outcome, _own_picture(outcome.image, member, at) if outcome.image.rendition_widths else None)
        for outcome in outcomes
    ]
    context = {"outcomes": shown, "summary": summary, "undo": parse_qsl(body)}
    response = _show(request, "outcomes", context)
    if is_htmx(request):
        response["HX-Trigger"] = json.dumps({"pictures-changed": {"images": done}})
    return response


def _undo(request: HttpRequest, action: str, public_ids: Sequence[str]) -> str:
    """The body of the request that takes it back; empty where nothing can be."""
    if action not in services.UNDO or not public_ids:
        return ""
    values = [("do", services.UNDO[action]), *(("image", each) for each in public_ids)]
    if action == "collect":
        values += [("filled", "1"), ("collection", request.POST.get("collection", ""))]
    return urlencode(values)


def _summary(action: str, count: int) -> str:
    sentences = {
        "publish": ngettext("%(n)s picture published.", "%(n)s pictures published.", count),
        "unpublish": ngettext(
            "%(n)s picture is no longer published.", "%(n)s pictures are no longer published.", count
        ),
        "delete": ngettext("%(n)s picture deleted.", "%(n)s pictures deleted.", count),
        "favourite": ngettext("%(n)s favourite more.", "%(n)s favourites more.", count),
        "unfavourite": ngettext("%(n)s favourite fewer.", "%(n)s favourites fewer.", count),
        "collect": ngettext("%(n)s picture collected.", "%(n)s pictures collected.", count),
        "uncollect": ngettext("%(n)s picture taken out.", "%(n)s pictures taken out.", count),
    }
    return sentences[action] % {"n": count}
