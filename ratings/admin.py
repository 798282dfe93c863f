"""For staff: the ledger to look things up in, and policies and questions to add. Neither is ever edited."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ratings.models import Ask, DrawTally, Policy, Question
from ratings.sampling import Parameters


class KeptAdmin(admin.ModelAdmin[Any]):
    """Rows that stay as they were written."""

    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PolicyForm(forms.ModelForm[Policy]):
    class Meta:
        model = Policy
        fields = ["version", "parameters"]

    def clean_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.cleaned_data["parameters"]
        try:
            Parameters.from_json(parameters)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValidationError(str(error)) from None
        return parameters


@admin.register(Policy)
class PolicyAdmin(KeptAdmin):
    """A new version is added, then put in force by ASK_POLICY_VERSION; old ones keep what they drew readable."""

    form = PolicyForm
    list_display = ["version", "is_active", "created_at", "numbers"]
    ordering = ["-version"]

    @admin.display(description="parameters")
    def numbers(self, policy: Policy) -> str:
        return json.dumps(policy.parameters, sort_keys=True)


@admin.register(Question)
class QuestionAdmin(KeptAdmin):
    list_display = ["slug", "version", "form", "is_active", "text"]
    ordering = ["slug", "-version"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a new wording comes with its translations, in a migration


@admin.register(Ask)
class AskAdmin(KeptAdmin):
    list_display = ["public_id", "surface", "question", "stratum", "propensity", "outcome", "created_at"]
    list_filter = ["surface", "outcome"]
    list_select_related = ["question"]
    search_fields = ["public_id"]
    ordering = ["-pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(DrawTally)
class DrawTallyAdmin(KeptAdmin):
    list_display = ["day", "surface", "stratum", "p_ask", "reason", "draws"]
    list_filter = ["surface", "reason"]
    ordering = ["-day", "surface", "stratum"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
