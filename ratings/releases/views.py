"""Pages of dataset releases for the research team: list, preview, progress, cancel, signed downloads."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.files import File
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role, User
from accounts.permissions import member_of, role_required
from generation.media.signing import Picture, picture
from generation.models import Image
from lib.errors import Refused
from lib.http import add_refusal, download, is_htmx, serve_file
from ratings.campaigns.models import Campaign
from ratings.releases import previews
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import describe_reason
from ratings.releases.engine.parquet import FILES
from ratings.releases.formats.registry import FORMATS
from ratings.releases.forms import ReleaseForm
from ratings.releases.member_data_use import find_member_data_use
from ratings.releases.models import Release
from ratings.releases.point_releases import start_point_release
from ratings.releases.publishing.archive import zip_release
from ratings.releases.publishing.destinations import destination_of

PAGE_SIZE = 25
MOST_CAMPAIGNS = 200  # to choose from
LINK_SECONDS = 24 * 3600
_signer = signing.TimestampSigner(salt="ratings.release")


@require_GET
@role_required(Role.RESEARCHER)
def release_list(request: HttpRequest) -> HttpResponse:
    releases = Release.objects.select_related("created_by").order_by("-created_at", "-pk")
    page = Paginator(releases, PAGE_SIZE).get_page(request.GET.get("page"))
    next_url = f"?page={page.next_page_number()}" if page.has_next() else ""
    return render(request, "ratings/release_list.html", {"page": page, "next_url": next_url})


@require_http_methods(["GET", "POST"])
@role_required(Role.RESEARCHER)
def release_new(request: HttpRequest) -> HttpResponse:
    """The form; ``step=preview`` shows what the release would hold, ``step=build`` starts it."""
    if request.method != "POST":
        form = ReleaseForm(initial=_initial(request), campaigns=_campaigns())
        return render(request, "ratings/release_new.html", {"form": form})
    form, member = ReleaseForm(request.POST, campaigns=_campaigns()), member_of(request)
    preview, status = None, 400
    if form.is_valid():
        filter, kinds = form.get_choice()
        try:
            if request.POST.get("step") == "build":
                name = form.cleaned_data["name"]
                release = releases_services.start_release(filter=filter, kinds=kinds, name=name, created_by=member)
                return redirect("ratings:release-detail", release.public_id)
            key = previews.preview_key(filter, kinds)
            preview = _preview(request, key, previews.request_preview(filter=filter, kinds=kinds, member=member))
            status = 200
        except Refused as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    return render(request, "ratings/release_new.html", {"form": form, "preview": preview}, status=status)


def _campaigns() -> list[tuple[str, str]]:
    return list(Campaign.objects.order_by("-pk").values_list("slug", "title")[:MOST_CAMPAIGNS])


def _initial(request: HttpRequest) -> dict[str, Any]:
    """An ordinary release, or that of the campaign that the address names, with the tables that fit it."""
    name = releases_services.default_name(timezone.now())
    campaign = Campaign.objects.select_related("question").filter(slug=request.GET.get("campaign", "")[:64]).first()
    if campaign is None:
        return {"name": name}
    kinds = ["ratings", "asks", "images"]
    if campaign.is_about_pairs:
        kinds = ["aspects", "aspect_votes", "asks"] if campaign.question.is_by_aspect else ["pairs", "votes", "asks"]
    return {"name": f"{name}-{campaign.slug}", "campaign": campaign.slug, "kinds": kinds}


@require_GET
@role_required(Role.RESEARCHER)
def release_preview(request: HttpRequest, key: str) -> HttpResponse:
    """A preview counted by a worker, as a fragment: the answer, that it is being counted, or that it was lost."""
    preview = _preview(request, key, previews.cached_preview(key))
    return render(request, "ratings/_release_preview.html", {"preview": preview})


def _preview(request: HttpRequest, key: str, found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        return {"key": key, "is_counting": previews.is_counting(key), "is_there": False}
    examples = _visible_examples(found["examples"], member_of(request))
    counted_at = parse_datetime(found.get("counted_at", ""))
    return _present_facts(found) | {"is_there": True, "examples": examples, "counted_at": counted_at}


@require_GET
@role_required(Role.RESEARCHER)
def release_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """A release; for htmx only its progress."""
    release = get_object_or_404(Release.objects.select_related("created_by", "parent"), public_id=public_id)
    follower = release.point_releases.unfinished_or_published().first()
    context = {"release": release, "follower": follower, **_progress(release), **_download(release)}
    fragment = is_htmx(request)
    return render(request, "ratings/_release_progress.html" if fragment else "ratings/release_detail.html", context)


@require_POST
@role_required(Role.RESEARCHER)
def release_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    release = get_object_or_404(Release, public_id=public_id)
    if releases_services.cancel_release(release=release):
        messages.success(request, _("Release cancelled. Nothing of it was kept."))
    else:
        messages.info(request, _("This release has already ended."))
    return redirect("ratings:release-detail", public_id)


@require_POST
@role_required(Role.RESEARCHER)
def release_follow(request: HttpRequest, public_id: str) -> HttpResponse:
    """Starts a point release: this one again, without rows that may no longer be published."""
    release = get_object_or_404(Release, public_id=public_id)
    try:
        follower = start_point_release(release=release, created_by=member_of(request))
    except Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("ratings:release-detail", public_id)
    return redirect("ratings:release-detail", follower.public_id)


@require_GET
@login_required
def member_data_use(request: HttpRequest) -> HttpResponse:
    """Which data of the member datasets use; a fragment for the consent page."""
    context = {"use": find_member_data_use(user=member_of(request), at=timezone.now())}
    fragment = is_htmx(request)
    return render(request, "ratings/_member_data_use.html" if fragment else "ratings/member_data_use.html", context)


@require_GET
def release_archive(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """All files as one zip, for anyone with the signed link."""
    release = _signed_release(request, public_id)
    names = [*release.manifest["files"], *_texts(release), *_pictures(release)]
    return download(f"{_file_name(release)}.zip", zip_release(release.name, names, destination_of(release)))


@require_GET
def release_file(request: HttpRequest, public_id: str, name: str) -> HttpResponseBase:
    """One file or a range of it, for anyone with the signed link."""
    release = _signed_release(request, public_id)
    if name not in {*release.manifest["files"], *_texts(release)}:
        raise Http404
    destination = destination_of(release)
    response = serve_file(
        request,
        open_file=lambda: File(destination.open(name)),
        etag=f'"{release.public_id}/{name}"',  # a published file never changes
        content_type="application/octet-stream",
        headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"},
    )
    response["Content-Disposition"] = content_disposition_header(True, name.rpartition("/")[2]) or "attachment"
    return response


def _texts(release: Release) -> list[str]:
    """The files beside the tables; the first releases had no Croissant."""
    texts = ["README.md", "LICENSE", "CONSENT.md", "manifest.json", "SHA256SUMS"]
    return texts + (["croissant.json"] if "pictures" in release.manifest else [])


def _pictures(release: Release) -> list[str]:
    """The picture files that rows name, as SHA256SUMS lists them."""
    if not release.manifest.get("pictures"):
        return []
    with destination_of(release).open("SHA256SUMS") as sums:
        names = [line[66:].decode().rstrip("\n") for line in sums]
    return [name for name in names if name.startswith(f"{FILES}/")]


def _signed_release(request: HttpRequest, public_id: str) -> Release:
    """A link opens one published release for a day, until the release is withdrawn."""
    try:
        signed = _signer.unsign(f"{public_id}:{request.GET.get('s', '')}", max_age=LINK_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    return get_object_or_404(Release.objects.downloadable(), public_id=signed)


def _download(release: Release) -> dict[str, Any]:
    if release.state != Release.State.PUBLISHED or release.destination:
        return {}
    signature = _signer.sign(release.public_id).removeprefix(f"{release.public_id}:")
    archive = reverse("ratings:release-archive", args=[release.public_id])
    files = [
        {
            "name": name,
            "url": f"{reverse('ratings:release-file', args=[release.public_id, name])}?s={signature}",
            **file,
        }
        for name, file in release.manifest["files"].items()
    ]
    address = f"{settings.SITE_URL}{archive}?s={signature}"
    return {"archive_url": f"{archive}?s={signature}", "archive_address": address, "files": files}


def _file_name(release: Release) -> str:
    return "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in release.name)


def _progress(release: Release) -> dict[str, Any]:
    shards = release.shards.all()
    total = shards.aggregate(rows=Sum("rows"))["rows"] or 0
    built = shards.exclude(built_at=None).aggregate(rows=Sum("rows"))["rows"] or 0
    return {
        "shards": shards.count(),
        "shards_built": shards.exclude(built_at=None).count(),
        "rows": total,
        "rows_built": built,
        "percent": 100 * built // total if total else 0,
        "is_running": release.state in Release.UNFINISHED,
        "facts": _present_facts(release.manifest or release.plan),
    }


def _present_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Counts and figures in the order and wording of the page."""
    counts, dropped = facts.get("rows", {}), facts.get("dropped", {})
    balance = facts.get("label_balance", {}).get("image_0_preferred")
    return {
        # jsonb does not keep the order of keys
        "rows": [
            (
                kind,
                sum(counts[kind].values()),
                {split: counts[kind][split] for split in form.splits if split in counts[kind]},
            )
            for kind, form in FORMATS.items()
            if kind in counts
        ],
        "dropped": [
            (kind, describe_reason(why), rows) for kind, reasons in dropped.items() for why, rows in reasons.items()
        ],
        "balance": None if balance is None else round(100 * balance, 1),
        "resolutions": _histogram(facts.get("resolutions", {})),
        "agreement": _agreement(facts.get("agreement", {})),
        "response": facts.get("response_rate", {}),
        "missing": facts.get("missing", []),
    }


def _histogram(sizes: dict[str, int]) -> list[tuple[str, int, int]]:
    """(size, pictures, percent of the most frequent size), the most frequent first."""
    highest = max(sizes.values(), default=1)
    return [(size, n, round(100 * n / highest)) for size, n in sorted(sizes.items(), key=lambda each: -each[1])]


def _agreement(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(pairs or a question, alpha with its interval and units), where there is one."""
    pairs = [(_("pairs"), facts["pairs"])] if facts.get("pairs") else []
    found = [*pairs, *sorted(facts.get("ratings", {}).items())]
    return [(subject, figures) for subject, figures in found if figures.get("alpha") is not None]


def _visible_examples(examples: list[tuple[int, int]], viewer: User) -> list[tuple[Picture, Picture, str]]:
    """(preferred, other, prompt) of pairs that the viewer may see."""
    wanted = {pk for pair in examples for pk in pair}
    visible = Image.objects.visible_to(viewer, timezone.now()).filter(pk__in=wanted).select_related("generation")
    images = {image.pk: image for image in visible}
    return [
        (
            picture(images[preferred], viewer_may_sign=True, viewer=viewer),
            picture(images[other], viewer_may_sign=True, viewer=viewer),
            images[preferred].generation.prompt if images[preferred].may_read_prompt(viewer) else "",
        )
        for preferred, other in examples
        if preferred in images and other in images
    ]
