"""Pages: create, one generation, and a member's history."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import member_of, member_required
from generation import queries, services
from generation.forms import CreateForm, fresh_key
from generation.media.openings import remember_opening
from generation.media.uploads import preview_of
from generation.models import PENDING, Checkpoint, Generation, Image, ImageQuerySet, ImageState, Upload
from generation.queue.queries import next_place
from generation.requests import waiting
from generation.requests.budgets import allowance_of
from generation.workspace import history
from generation.workspace.context import board_of, workspace
from generation.workspace.remixes import SAME, Remix, remix_of
from lib.errors import Refused
from lib.http import is_htmx


def _checkpoints() -> list[Checkpoint]:
    return list(Checkpoint.objects.enabled().order_by("pk"))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form; ``?remix=<image>&kind=same|inspired`` fills it from a picture that the member may see."""
    member, at = member_of(request), timezone.now()
    values = request.POST if request.method == "POST" else request.GET
    parent = _parent(values.get("remix", ""), member)
    source = None if values.get("start_from") else _source(parent, values.get("kind", SAME), member, at)
    offered: dict[str, Any] = {"checkpoints": _checkpoints(), "source": source}
    if request.method != "POST":
        copied = _copied(request, parent, member, at)
        form = CreateForm(initial=copied.initial, **offered)
        context = workspace(form, member, at, parent=parent) | {"missing": copied.missing}
        return render(request, "generation/create.html", context)
    form = CreateForm(request.POST, request.FILES, **offered)
    generation = form.submit(author=member, parent=parent, at=at) if form.is_valid() else None
    if generation is None:
        return render(request, "generation/create.html", workspace(form, member, at, parent=parent), status=form.status)
    return redirect("generation:detail", generation.public_id)


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
    """One generation, running or finished, above the form for the next; htmx gets the part that changes."""
    at, member = timezone.now(), member_of(request)
    generation = _own(request, public_id)
    images = list(generation.images.filter(deleted_at=None).order_by("position"))
    for image in images:
        image.generation = generation
    cards = [queries.card_of(image, author=member, at=at) for image in images]
    asked, card = next(((image, each) for image, each in zip(images, cards, strict=True) if each.ask_url), (None, None))
    if asked is not None:
        remember_opening(member, asked.pk)
    context: dict[str, Any] = {
        "generation": generation,
        "images": cards,
        "is_pending": any(image.state in PENDING for image in images),
        "place": next_place(images, at=at),
        "asked": card,
        "can_pause": any(image.state == ImageState.QUEUED for image in images),
        "can_resume": any(image.state == ImageState.PAUSED for image in images),
        "clone_key": fresh_key(),
        "act_url": queries.url_of("feed:act-on-pictures"),
        "sentence": _sentence(generation, images),
        "is_part": is_htmx(request),
    }
    if is_htmx(request):
        return render(request, "generation/_results.html", context)
    return render(request, "generation/detail.html", context | _next_form(images, member, at))


def _sentence(generation: Generation, images: list[Image]) -> str:
    """What a screen reader says when the pictures are there."""
    ready = sum(1 for image in images if image.state == ImageState.READY)
    prompt = Truncator(generation.prompt).chars(80)
    if any(image.state in PENDING for image in images):
        return _("Making pictures of “%(prompt)s”.") % {"prompt": prompt}
    words = ngettext("%(n)s picture of “%(prompt)s” is ready.", "%(n)s pictures of “%(prompt)s” are ready.", ready)
    return words % {"n": ready, "prompt": prompt}


def _next_form(images: list[Image], member: User, at: datetime) -> dict[str, Any]:
    """The form that goes on from a generation: its settings, with another seed."""
    first = next((image for image in images if image.prefix), None)
    if first is None:
        form = CreateForm(initial={"idempotency_key": fresh_key()}, checkpoints=_checkpoints())
        return workspace(form, member, at)
    copied = remix_of(first, kind=SAME, member=member, at=at)
    initial = {**copied.initial, "seed": "", "remix": first.public_id, "count": str(len(images))}
    form = CreateForm(
        initial={**initial, "idempotency_key": fresh_key()},
        checkpoints=_checkpoints(),
        source=_source(first, SAME, member, at),
    )
    form.fields["prompt"].widget.attrs.pop("autofocus")  # the keys of this page are about its pictures
    return workspace(form, member, at)


@member_required
@require_safe
def history_page(request: HttpRequest) -> HttpResponse:
    """All generations of the member, newest first, with search and filters in the address."""
    at, member = timezone.now(), member_of(request)
    form = history.FilterForm(request.GET, author=member)
    before = request.GET.get("before", "")[:12]
    context = {
        "page": history.page_of(member, form.values, at=at, before=before),
        "form": form,
        "before": before,
        "act_url": queries.url_of("feed:act-on-pictures"),
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
@require_POST
def make_from(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Variations of a picture that the member may see, or a draft of theirs drawn to its end."""
    member, at = member_of(request), timezone.now()
    key = request.POST.get("idempotency_key") or fresh_key()
    seen = Image.objects.visible_to(member, at).exclude(prefix="")
    image = get_object_or_404(seen.select_related("generation__checkpoint", "generation__style"), public_id=public_id)
    try:
        if action == "finish":
            made = services.finish_draft(image=image, author=member, idempotency_key=key, at=at)
        else:
            made = services.vary_image(image=image, author=member, idempotency_key=key, at=at)
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("generation:detail", image.generation.public_id)
    return redirect("generation:detail", made.public_id)


@member_required
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The mood board of the form as it is filled in, and pictures to put on it."""
    form = CreateForm(initial=request.GET.dict(), checkpoints=_checkpoints())
    return render(
        request, "generation/_board.html", {"form": form, "board": board_of(form, member_of(request), timezone.now())}
    )


@member_required
@require_POST
def add_to_board(request: HttpRequest) -> JsonResponse:
    """Keeps a file for the mood board; answers with its id."""
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Refused("no_file", _("Choose a picture first."))
        upload = services.upload_picture(author=member_of(request), file=file)
    except Refused as refused:
        return JsonResponse({"detail": refused.message}, status=refused.status)
    return JsonResponse({"id": upload.public_id})


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
