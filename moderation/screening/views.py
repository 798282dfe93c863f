"""The text rules, for moderators."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Role
from accounts.permissions import role_required
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal
from moderation.screening import rules as rule_services
from moderation.screening.forms import RuleForm
from moderation.screening.models import Rule

moderator_only = role_required(Role.MODERATOR)


@moderator_only
@require_http_methods(["GET", "HEAD", "POST"])
def list_rules(request: HttpRequest) -> HttpResponse:
    """The active text rules; saving one retires its predecessor of the same name."""
    form = RuleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            rule_services.add_rule(**form.cleaned_data)
        except Refused as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Rule added."))
            return redirect("moderation:rules")
    context = {"form": form, "rules": Rule.objects.active().order_by("effect", "slug")[:200]}
    return render(request, "moderation/rules.html", context, status=UNPROCESSABLE if form.is_bound else 200)


@moderator_only
@require_POST
def retire_rule(request: HttpRequest, slug: str) -> HttpResponse:
    rule_services.retire_rule(rule=get_object_or_404(Rule.objects.active(), slug=slug))
    messages.success(request, _("Rule retired."))
    return redirect("moderation:rules")
