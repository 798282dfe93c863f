"""Pages: create, one generation, and a member's history."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import member_of, member_required
from generation import queries, services
from generation.forms import SAME, CreateForm, Remix, fresh_key, remix_of
from generation.media.openings import remember_opening
from generation.media.uploads import preview_of
from generation.models import PENDING, Checkpoint, Generation, Image, ImageQuerySet, ImageState, Upload
from generation.queue.queries import next_place
from generation.requests import waiting
from generation.requests.budgets import allowance_of
from lib.errors import Refused
from lib.http import is_htmx
from lib.text import normalise_line


def _checkpoints() -> list[Checkpoint]:
    return list(Checkpoint.objects.enabled().order_by("pk"))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form; ``?remix=<image>&kind=same|inspired`` fills it from a picture that the member may see."""
    member, at = member_of(request), timezone.now()
    values = request.POST if request.method == "POST" else request.GET
    parent = _parent(values.get("remix", ""), member)
    source = _source(parent, values.get("kind", SAME), member, at)
    offered: dict[str, Any] = {"checkpoints": _checkpoints(), "source": source}
    if request.method != "POST":
        copied = _copied(request, parent, member, at)
        form = CreateForm(initial=copied.initial, **offered)
        context = _context(form, parent, member, at) | {"missing": copied.missing}
        return render(request, "generation/create.html", context)
    form = CreateForm(request.POST, request.FILES, **offered)
    generation = form.submit(author=member, parent=parent, at=at) if form.is_valid() else None
    if generation is None:
        return render(request, "generation/create.html", _context(form, parent, member, at), status=form.status)
    return redirect("generation:detail", generation.public_id)


def _context(form: CreateForm, parent: Image | None, member: User, at: datetime) -> dict[str, Any]:
    context: dict[str, Any] = {"form": form, "parent": parent, "allowance": allowance_of(member, at)}
    if parent is not None:
        context["parent_picture"] = queries.picture_for(parent, member, at)
    if isinstance(form.source, Upload):
        context["source_picture"] = queries.upload_picture(form.source)
    elif form.source is not None:
        context["source_picture"] = queries.picture_for(form.source, member, at)
    return context


def _parent(public_id: str, member: User) -> Image | None:
    """The picture to remix, 404 where the member may not see it; None where none is asked for."""
    if not public_id:
        return None
    seen = Image.objects.visible_to(member, timezone.now()).filter(public_id=public_id).exclude(prefix="")
    return get_object_or_404(seen.select_related("generation__checkpoint", "generation__style"))


def _copied(request: HttpRequest, parent: Image | None, member: User, at: datetime) -> Remix:
    """The initial values of the form: those of a remix, then those in the address."""
    asked = {name: value for name, value in request.GET.items() if name in CreateForm.base_fields}
    key = {"idempotency_key": fresh_key()}
    if parent is None:
        return Remix({**asked, **key})
    copied = remix_of(parent, kind=request.GET.get("kind", SAME), member=member, at=at)
    return Remix({**copied.initial, **asked, **key}, copied.missing)


def _source(parent: Image | None, kind: str, member: User, at: datetime) -> Image | Upload | None:
    if parent is None or kind != SAME:
        return None
    return queries.source_image_for(parent, member, at) or queries.source_upload_for(parent, member)


@member_required
@require_safe
def upload(request: HttpRequest, public_id: str) -> HttpResponse:
    """A small copy of the member's own upload."""
    found = get_object_or_404(Upload.objects.visible_to(member_of(request)), public_id=public_id)
    try:
        content = preview_of(found)
    except FileNotFoundError:
        raise Http404 from None
    return HttpResponse(
        content,
        content_type="image/webp",
        headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"},
    )


def _own(request: HttpRequest, public_id: str) -> Generation:
    rows = Generation.objects.visible_to(member_of(request)).select_related("checkpoint", "style", "parent")
    return get_object_or_404(rows, public_id=public_id)


@member_required
@require_safe
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One generation, running or finished; htmx gets the part that changes."""
    at, member = timezone.now(), member_of(request)
    generation = _own(request, public_id)
    images = list(generation.images.filter(deleted_at=None).order_by("position"))
    cards = [queries.card_of(image, author=member, at=at) for image in images]
    asked, card = next(((image, each) for image, each in zip(images, cards, strict=True) if each.ask_url), (None, None))
    if asked is not None:
        remember_opening(member, asked.pk)
    context = {
        "generation": generation,
        "images": cards,
        "is_pending": any(image.state in PENDING for image in images),
        "place": next_place(images, at=at),
        "asked": card,
        "can_pause": any(image.state == ImageState.QUEUED for image in images),
        "can_resume": any(image.state == ImageState.PAUSED for image in images),
        "allowance": allowance_of(member, at),
        "clone_key": fresh_key(),
    }
    template = "generation/_results.html" if is_htmx(request) else "generation/detail.html"
    return render(request, template, context)


@member_required
@require_safe
def history_page(request: HttpRequest) -> HttpResponse:
    """All generations of the member, newest first, with search and filters in the address."""
    at, values = timezone.now(), request.GET
    query = queries.Query(
        words=normalise_line(values.get("q", ""))[:200],
        state=values.get("state", "") if values.get("state") in queries.STATES else "",
        checkpoint=values.get("checkpoint", "")[:64],
        before=values.get("before", "")[:12],
    )
    context = {
        "page": queries.page_of(member_of(request), query, at=at),
        "query": query,
        "states": [(slug, label) for slug, (label, _states) in queries.STATES.items()],
        "checkpoints": Checkpoint.objects.order_by("name").values_list("slug", "name"),
    }
    return render(request, "generation/history.html", context)


@member_required
@require_POST
def act_on_generation(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Cancels, pauses or resumes what is not drawn yet, or asks for the same again."""
    generation, member = _own(request, public_id), member_of(request)
    try:
        if action == "clone":
            key = request.POST.get("idempotency_key") or fresh_key()
            generation = services.clone_generation(generation=generation, author=member, idempotency_key=key)
        else:
            messages.success(request, _changed(action, generation.images.all(), member))
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect("generation:detail", generation.public_id)


@member_required
@require_POST
def act_on_image(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Cancels, pauses or resumes one image, or moves it to the front of the member's own."""
    image, member = _own_image(request, public_id), member_of(request)
    try:
        if action == "first":
            waiting.move_image(image=image, author=member, place=1)
            messages.success(request, _("This picture is drawn first when your turn comes."))
        else:
            messages.success(request, _changed(action, Image.objects.filter(pk=image.pk), member))
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect("generation:detail", image.generation.public_id)


def _changed(action: str, images: ImageQuerySet, member: User) -> str:
    """Does what a button says and returns the sentence about it."""
    if action == "cancel":
        count = waiting.cancel_images(images=images, author=member)
        return ngettext("%(n)s image cancelled.", "%(n)s images cancelled.", count) % {"n": count}
    if action == "pause":
        count = waiting.pause_images(images=images, author=member)
        return ngettext("%(n)s image paused.", "%(n)s images paused.", count) % {"n": count}
    count = waiting.resume_images(images=images, author=member)
    return ngettext("%(n)s image resumed.", "%(n)s images resumed.", count) % {"n": count}


@member_required
@require_safe
def cost(request: HttpRequest) -> HttpResponse:
    """What the form would cost as it is filled in, and what is left; nothing where it is not complete."""
    member, at = member_of(request), timezone.now()
    form = CreateForm(request.GET, checkpoints=_checkpoints())
    units = form.cost_units() if form.is_valid() else None
    allowance = allowance_of(member, at)
    context = {
        "units": units,
        "allowance": allowance,
        "share": allowance.share_of(units or 0),
        "fits": allowance.fits(units or 0),
    }
    return render(request, "generation/_cost.html", context)


def _own_image(request: HttpRequest, public_id: str) -> Image:
    rows = Image.objects.kept().filter(author=member_of(request)).select_related("generation")
    return get_object_or_404(rows, public_id=public_id)


@member_required
@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    image = _own_image(request, public_id)
    try:
        services.retry_image(image=image, author=member_of(request))
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect("generation:detail", image.generation.public_id)


@member_required
@require_POST
def delete(request: HttpRequest, public_id: str) -> HttpResponse:
    image = _own_image(request, public_id)
    try:
        services.delete_image(image=image, author=member_of(request))
        messages.success(request, _("Picture deleted."))
    except Refused as refused:
        messages.error(request, refused.message)
    if image.generation.images.filter(deleted_at=None).exists():
        return redirect("generation:detail", image.generation.public_id)
    return redirect("generation:history")
