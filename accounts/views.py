"""Settings pages of a member. Sign-in, e-mail, password, two-factor and sessions are allauth's own."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.forms import AppearanceForm, ConsentForm, DeletionForm, ViewingForm, WebhookForm
from accounts.models import ConsentEvent, Purpose, User, Webhook
from accounts.permissions import member_of, member_required
from accounts.webhooks import deliveries
from lib.errors import NotFound, Refused
from lib.http import UNPROCESSABLE, add_refusal, download, zip_files

LOGGED = 100
YEAR = 31_536_000  # seconds
page = require_http_methods(["GET", "HEAD", "POST"])


@member_required
@page
def show_settings(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    form = ViewingForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_viewing(user=member, **form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:settings")
    seen = {
        "theme": request.COOKIES.get("theme", ""),
        "language": request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
    }
    context = {"form": form, "appearance": AppearanceForm(initial=seen)}
    return render(request, "accounts/settings.html", context, status=_status(form.is_bound))


@member_required
@require_POST
def choose_appearance(request: HttpRequest) -> HttpResponse:
    """Light or dark, and the language: cookies, so that they hold before anybody signs in."""
    form = AppearanceForm(request.POST)
    response = redirect("accounts:settings")
    if not form.is_valid():
        messages.error(request, _("Choose one of the values offered."))
        return response
    chosen = {"theme": form.cleaned_data["theme"], settings.LANGUAGE_COOKIE_NAME: form.cleaned_data.get("language", "")}
    for name, value in chosen.items():
        if value:
            response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
        else:
            response.delete_cookie(name)
    messages.success(request, _("Saved."))
    return response


@member_required
@page
def show_consent(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    granted = ConsentEvent.objects.purposes_of(member)
    form = ConsentForm(request.POST if request.method == "POST" else None, granted=granted)
    if form.is_valid():
        for purpose in Purpose:
            services.record_consent(user=member, purpose=purpose, granted=form.cleaned_data[purpose.value])
        messages.success(request, _("Saved. This applies from now on."))
        return redirect("accounts:consent")
    history = ConsentEvent.objects.filter(user=member).order_by("-at", "-pk")[:20]
    return render(request, "accounts/consent.html", {"form": form, "history": history})


@member_required
@page
def show_webhooks(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    form = WebhookForm(request.POST or None)
    if form.is_valid():
        try:
            services.register_webhook(user=member, **form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Webhook added. Its secret is shown below."))
            return redirect("accounts:webhooks")
    hooks = Webhook.objects.filter(user=member).order_by("-pk")
    return render(request, "accounts/webhooks.html", {"form": form, "hooks": hooks}, status=_status(form.is_bound))


@member_required
@require_POST
def remove_webhook(request: HttpRequest, public_id: str) -> HttpResponse:
    return _removed(request, services.remove_webhook, public_id, _("Webhook removed."), "accounts:webhooks")


@member_required
@require_GET
def webhook_log(request: HttpRequest, public_id: str) -> HttpResponse:
    """The last hundred calls of one of the member's webhooks."""
    hook = get_object_or_404(Webhook, user=member_of(request), public_id=public_id)
    calls = hook.deliveries.order_by("-pk")[:LOGGED]
    return render(request, "accounts/webhook_log.html", {"hook": hook, "calls": calls})


@member_required
@require_POST
def resume_webhook(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        missed = deliveries.resume_webhook(user=member_of(request), public_id=public_id)
    except NotFound as error:
        raise Http404 from error
    except Refused as error:
        messages.error(request, error.message)
    else:
        text = ngettext("Resumed. %(n)s event will be sent again.", "Resumed. %(n)s events will be sent again.", missed)
        messages.success(request, text % {"n": missed})
    return redirect("accounts:webhook-log", public_id)


@member_required
@require_GET
def show_data(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/data.html", {"form": DeletionForm(member=member_of(request))})


@member_required
@require_GET
def download_data(request: HttpRequest, form: str) -> HttpResponseBase:
    """Everything we keep about the member: one JSON file, or a zip that has the pictures as well."""
    member = member_of(request)
    try:
        services.check_export_rate(user=member)
    except Refused as error:
        messages.error(request, error.message)
        return redirect("accounts:data")
    name = f"salon-{member.username}-{timezone.now():%Y-%m-%d}"
    if form == "json":
        data = services.export_personal_data(user=member)
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
        return JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False}, headers=headers)
    return download(f"{name}.zip", zip_files(services.export_personal_files(user=member)))


@member_required
@page
def delete_account(request: HttpRequest) -> HttpResponse:
    """The form is on the page of one's data."""
    member = member_of(request)
    if request.method != "POST":
        return redirect("accounts:data")
    form = DeletionForm(request.POST, member=member)
    if not form.is_valid():
        return render(request, "accounts/data.html", {"form": form}, status=UNPROCESSABLE)
    services.delete_account(user=User.objects.get(pk=member.pk))
    logout(request)
    messages.success(request, _("Your account has been deleted. Thank you for being part of this."))
    return redirect("/")


def _status(is_bound: bool) -> int:
    return UNPROCESSABLE if is_bound else 200


def _removed(
    request: HttpRequest, remove: "services.Removal", public_id: str, words: str, back_to: str
) -> HttpResponse:
    try:
        remove(user=member_of(request), public_id=public_id)
    except Refused as error:
        raise Http404 from error
    messages.success(request, words)
    return redirect(back_to)
