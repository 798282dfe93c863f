"""Create, one generation, and a member's history."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Refused
from accounts.models import User
from accounts.permissions import member_of, member_required
from generation import history, services
from generation.display import picture_for, shown
from generation.forms import CreateForm, fresh_key
from generation.models import PENDING, Checkpoint, Generation, Image, ImageState
from generation.queue import place_in_queue
from generation.remixing import SAME, Remix, remix_of, source_of


def _checkpoints() -> list[Checkpoint]:
    return list(Checkpoint.objects.enabled().order_by("pk"))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """The form; ``?remix=<image>&kind=same|inspired`` fills it from a picture that the member may see."""
    member, at = member_of(request), timezone.now()
    given = request.POST if request.method == "POST" else request.GET
    parent = _parent(given.get("remix", ""), member)
    source = _source(parent, given.get("kind", SAME), member, at)
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
    pictures = {"parent_picture": parent, "source_picture": form.source}
    shown_ones = {name: picture_for(image, member, at) for name, image in pictures.items() if image is not None}
    return {"form": form, "parent": parent, **shown_ones}


def _parent(public_id: str, member: User) -> Image | None:
    """The picture to remix; one that is gone or not to be seen is 404, none asked for is None."""
    if not public_id:
        return None
    seen = Image.objects.visible_to(member, timezone.now()).filter(public_id=public_id).exclude(prefix="")
    image = seen.select_related("generation__checkpoint", "generation__style").first()
    if image is None:
        raise Http404
    return image


def _copied(request: HttpRequest, parent: Image | None, member: User, at: datetime) -> Remix:
    """What the form begins with: what a remix takes over, then what the address says."""
    asked = {name: value for name, value in request.GET.items() if name in CreateForm.base_fields}
    key = {"idempotency_key": fresh_key()}
    if parent is None:
        return Remix({**asked, **key})
    copied = remix_of(parent, kind=request.GET.get("kind", SAME), member=member, at=at)
    return Remix({**copied.initial, **asked, **key}, copied.missing)


def _source(parent: Image | None, kind: str, member: User, at: datetime) -> Image | None:
    return source_of(parent, member, at) if parent is not None and kind == SAME else None


def _own(request: HttpRequest, public_id: str) -> Generation:
    rows = Generation.objects.visible_to(member_of(request)).select_related("checkpoint", "style", "parent")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


@member_required
@require_safe
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One generation while it is made and after; htmx gets the part that changes."""
    at, member = timezone.now(), member_of(request)
    generation = _own(request, public_id)
    images = list(generation.images.filter(deleted_at=None).order_by("position"))
    waiting = [image for image in images if image.state == ImageState.QUEUED]
    shown_images = [shown(image, author=member, at=at) for image in images]
    context = {
        "generation": generation,
        "images": shown_images,
        "is_pending": any(image.state in PENDING for image in images),
        "place": place_in_queue(waiting[0], at=at) if waiting and len(waiting) == len(images) else None,
        "asked": next((each for each in shown_images if each.ask_url), None),
    }
    template = "generation/_results.html" if request.headers.get("HX-Request") else "generation/detail.html"
    return render(request, template, context)


@member_required
@require_safe
def history_page(request: HttpRequest) -> HttpResponse:
    """All generations of the member, newest first, with search and filters in the address."""
    at, given = timezone.now(), request.GET
    query = history.Query(
        words=given.get("q", "").replace("\x00", "").strip()[:200],
        state=given.get("state", "") if given.get("state") in history.STATES else "",
        checkpoint=given.get("checkpoint", "").replace("\x00", "")[:64],
        before=given.get("before", "").replace("\x00", "")[:12],
    )
    context = {
        "page": history.page_of(member_of(request), query, at=at),
        "query": query,
        "states": [(slug, label) for slug, (label, _states) in history.STATES.items()],
        "checkpoints": Checkpoint.objects.order_by("name").values_list("slug", "name"),
    }
    return render(request, "generation/history.html", context)


@member_required
@require_POST
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    generation = _own(request, public_id)
    try:
        count = services.cancel_generation(generation=generation, author=member_of(request))
        messages.success(request, ngettext("%(n)s image cancelled.", "%(n)s images cancelled.", count) % {"n": count})
    except Refused as refused:
        messages.error(request, refused.message)
    return redirect("generation:detail", generation.public_id)


def _own_image(request: HttpRequest, public_id: str) -> Image:
    rows = Image.objects.kept().filter(author=member_of(request)).select_related("generation")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


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
        messages.success(request, _("The picture is deleted."))
    except Refused as refused:
        messages.error(request, refused.message)
    if image.generation.images.filter(deleted_at=None).exists():
        return redirect("generation:detail", image.generation.public_id)
    return redirect("generation:history")
