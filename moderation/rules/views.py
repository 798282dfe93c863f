"""The text rules, for moderators: the list, a page for each, a dry run of a change."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Role
from accounts.permissions import member_of, role_required
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal
from lib.pagination import PAGE_SIZE
from moderation.rules import services
from moderation.rules.forms import RetireForm, RuleForm
from moderation.rules.history import DryRun, dry_run, figures_of, mark_benign, matches_of
from moderation.screening.models import Rule, RuleDecision, Screening

moderator_only = role_required(Role.MODERATOR)


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def list_rules(request: HttpRequest) -> HttpResponse:
    """The active text rules; saving one retires its predecessor of the same name."""
    form, tried = RuleForm(request.POST if request.method == "POST" else None), None
    if form.is_valid():
        tried = _save(request, form)
        if tried is None and not form.errors:
            return redirect("moderation:rules")
    rules = Rule.objects.active().order_by("effect", "slug")[:200]
    context = {"form": form, "rules": rules, "dry_run": tried}
    return render(request, "moderation/rules.html", context, status=_status(form, tried))


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def show_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule: what it matched in the last 30 days, its versions with their reasons, and the form to change it."""
    rule = get_object_or_404(Rule.objects.order_by("retired_at", "-pk").filter(slug=slug)[:1])
    form, tried = RuleForm(request.POST if request.method == "POST" else None, instance=rule), None
    if form.is_valid():
        tried = _save(request, form)
        if tried is None and not form.errors:
            return redirect("moderation:rule", form.cleaned_data["slug"])
    now = timezone.now()
    context = {
        "rule": Rule.objects.get(pk=rule.pk),
        "form": form,
        "dry_run": tried,
        "figures": figures_of(slug, now),
        "page": Paginator(matches_of(slug, now), PAGE_SIZE).get_page(request.GET.get("page")),
        "changes": RuleDecision.objects.filter(rule__slug=slug).select_related("rule").order_by("-pk")[:100],
    }
    return render(request, "moderation/rule.html", context, status=_status(form, tried))


def _status(form: RuleForm, tried: DryRun | None) -> int:
    return UNPROCESSABLE if form.is_bound and tried is None else 200


def _save(request: HttpRequest, form: RuleForm) -> DryRun | None:
    """Saves the rule, or only tries it (`try` in the form); a refusal becomes an error of the form."""
    values: dict[str, Any] = dict(form.cleaned_data)
    why = values.pop("why")
    try:
        if "try" in request.POST:
            rule = Rule(**values)
            services.check_rule(rule)
            return dry_run(rule, at=timezone.now())
        services.add_rule(**values, why=why, actor=member_of(request))
    except Refused as error:
        add_refusal(form, error)
    else:
        messages.success(request, _("Rule saved."))
    return None


@moderator_only
@require_POST
def retire_rule(request: HttpRequest, slug: str) -> HttpResponse:
    rule, form = get_object_or_404(Rule.objects.active(), slug=slug), RetireForm(request.POST)
    try:
        why = form.cleaned_data["why"] if form.is_valid() else ""
        is_retired = services.retire_rule(rule=rule, why=why, actor=member_of(request))
    except Refused as error:
        messages.error(request, error.message)
    else:
        done = _("Rule retired.") if is_retired else _("Proposed. A second moderator has to agree.")
        messages.success(request, done)
    return redirect("moderation:rule", slug)


@moderator_only
@require_POST
def mark_match_benign(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Notes that one match was harmless."""
    mark_benign(screening=get_object_or_404(Screening, pk=pk), slug=slug, actor=member_of(request))
    messages.success(request, _("Marked as harmless."))
    return redirect("moderation:rule", slug)
