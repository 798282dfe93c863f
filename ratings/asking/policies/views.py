"""Sampling policies, for staff: list, edit, preview, activate, discard."""

import json
import random
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Role
from accounts.permissions import member_of, role_required
from lib.errors import Refused
from ratings.asking.models import Policy
from ratings.asking.policies import services
from ratings.asking.policies.activity import recent_activity
from ratings.asking.policies.forecast import Forecast, forecast
from ratings.asking.policies.forms import PolicyForm
from ratings.asking.sampling import Parameters

POLICIES = 100


@require_GET
@role_required(Role.STAFF, Role.RESEARCHER)
def policy_list(request: HttpRequest) -> HttpResponse:
    """Read by the research team, as every probability comes from here; changed by staff."""
    unused = Policy.objects.unused().filter(pk=OuterRef("pk"))
    rows = Policy.objects.annotate(is_draft=Exists(unused)).order_by("-version")[:POLICIES]
    may_change = member_of(request).has_role(Role.STAFF)
    shown = [(row, _readable(row)) for row in rows]
    context = {
        "policies": shown,
        "may_change": may_change,
        "current": Policy.objects.current(),
        "is_fixed": bool(settings.ASK_POLICY_VERSION),
    }
    return render(request, "ratings/policies.html", context)


def _readable(policy: Policy) -> list[tuple[str, str]]:
    """Its numbers by name, as they are stored."""
    return [(name, json.dumps(value, ensure_ascii=False)) for name, value in sorted(policy.parameters.items())]


@require_http_methods(["GET", "POST"])
@role_required(Role.STAFF)
def policy_new(request: HttpRequest, version: int) -> HttpResponse:
    """A new policy that starts from the numbers of `version`."""
    return _edit(request, get_object_or_404(Policy, version=version), draft=None)


@require_http_methods(["GET", "POST"])
@role_required(Role.STAFF)
def policy_edit(request: HttpRequest, version: int) -> HttpResponse:
    """Other numbers for a draft."""
    draft = get_object_or_404(Policy.objects.unused(), version=version)
    return _edit(request, draft, draft=draft)


@require_POST
@role_required(Role.STAFF)
def policy_activate(request: HttpRequest, version: int) -> HttpResponse:
    policy = get_object_or_404(Policy, version=version)
    services.activate_policy(member=member_of(request), policy=policy)
    messages.success(request, _("Policy %(version)s is now active.") % {"version": version})
    return redirect("ratings:policies")


@require_POST
@role_required(Role.STAFF)
def policy_discard(request: HttpRequest, version: int) -> HttpResponse:
    services.discard_policy(member=member_of(request), policy=get_object_or_404(Policy, version=version))
    messages.success(request, _("Draft deleted."))
    return redirect("ratings:policies")


def _edit(request: HttpRequest, start: Policy, draft: Policy | None) -> HttpResponse:
    form = PolicyForm(request.POST or None, parameters=Parameters.from_json(start.parameters))
    context: dict[str, Any] = {"form": form, "start": start, "draft": draft}
    if request.method == "POST" and not form.is_valid():
        return render(request, "ratings/policy.html", context, status=422)
    if request.method == "POST" and request.POST.get("action") == "save":
        version = draft.version if draft else None
        saved = {"parameters": form.parameters(), "note": form.cleaned_data["note"], "version": version}
        try:
            policy = services.save_policy(member=member_of(request), **saved)
        except Refused as refusal:
            return render(request, "ratings/policy.html", context | {"refusal": refusal.message}, status=refusal.status)
        messages.success(request, _("Policy %(version)s saved as a draft.") % {"version": policy.version})
        return redirect("ratings:policies")
    if request.method == "POST":
        context["rows"] = _preview(Parameters.from_json(form.parameters()))
    return render(request, "ratings/policy.html", context)


def _preview(parameters: Parameters) -> list[tuple[str, Forecast]]:
    """What this policy and the one in force would have asked in the last week, over the same chances."""
    activity = recent_activity(at=timezone.now(), rng=random.Random(1))
    current = Parameters.from_json(Policy.objects.current().parameters)
    both = [(_("This policy"), parameters), (_("Active policy"), current)]
    return [(name, forecast(each, activity, rng=random.Random(2))) for name, each in both]
