"""Admin pages: the ledger and policies (read-only), and new wordings of questions."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.admin import ReadOnlyAdmin
from lib.text.fields import LineField
from ratings.asking.models import Ask, DrawCount, Policy, Question, QuestionTranslation
from ratings.asking.questions.services import reword_question
from ratings.benchmarks.models import Benchmark, PromptSet


class KeptAdmin(admin.ModelAdmin[Any]):
    """Rows that stay as they were written."""

    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Policy)
class PolicyAdmin(KeptAdmin):
    """Made, previewed and put in force under Research; here they are looked up."""

    list_display = ["version", "is_active", "created_at", "numbers"]
    ordering = ["-version"]

    @admin.display(description="parameters")
    def numbers(self, policy: Policy) -> str:
        return json.dumps(policy.parameters, sort_keys=True)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class WordingForm(forms.ModelForm[Question]):
    """A new wording of a question that there is; its labels, worst to best, a line each. Questions about places in a
    picture have none."""

    slug = forms.ModelChoiceField(Question.objects.active().order_by("slug"), to_field_name="slug")
    labels = SimpleArrayField(
        LineField(max_length=40), delimiter="\n", widget=forms.Textarea(attrs={"rows": 5}), required=False
    )

    class Meta:
        model = Question
        fields = ["slug", "text", "labels"]
        field_classes = {"text": LineField}

    def clean_slug(self) -> str:
        question: Question = self.cleaned_data["slug"]
        return question.slug

    def clean_labels(self) -> list[str]:
        labels: list[str] = self.cleaned_data["labels"]
        if "slug" not in self.cleaned_data:
            return labels
        steps = Question.objects.active().get(slug=self.cleaned_data["slug"]).labels
        if len(labels) != len(steps):
            raise ValidationError(_("This question has %(n)s labels.") % {"n": len(steps)})
        return labels


class TranslationInline(admin.TabularInline[QuestionTranslation, Question]):
    model = QuestionTranslation
    extra = 1


@admin.register(Question)
class QuestionAdmin(KeptAdmin):
    """A new wording is a new version, in force at once; answers to the old one keep it."""

    form = WordingForm
    inlines = [TranslationInline]
    list_display = ["slug", "version", "form", "is_active", "text"]
    ordering = ["slug", "-version"]

    def save_model(self, request: HttpRequest, obj: Question, form: Any, change: bool) -> None:
        made = reword_question(slug=obj.slug, text=obj.text, labels=obj.labels)
        obj.pk, obj.version, obj.form = made.pk, made.version, made.form


@admin.register(QuestionTranslation)
class QuestionTranslationAdmin(KeptAdmin):
    """Another language for a wording that has none in it yet."""

    list_display = ["question", "language", "text"]
    ordering = ["question__slug", "-question__version", "language"]


@admin.register(Ask)
class AskAdmin(KeptAdmin):
    list_display = ["public_id", "surface", "question", "stratum", "propensity", "outcome", "created_at"]
    list_filter = ["surface", "outcome"]
    list_select_related = ["question"]
    search_fields = ["public_id"]
    ordering = ["-pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(DrawCount)
class DrawCountAdmin(KeptAdmin):
    list_display = ["day", "surface", "stratum", "p_ask", "reason", "draws"]
    list_filter = ["surface", "reason"]
    ordering = ["-day", "surface", "stratum"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(PromptSet)
class PromptSetAdmin(ReadOnlyAdmin):
    list_display = ["slug", "name", "form", "sha256", "created_at"]
    ordering = ["-pk"]


@admin.register(Benchmark)
class BenchmarkAdmin(ReadOnlyAdmin):
    list_display = ["slug", "title", "state", "votes_a_pair", "closes_at", "registered_at"]
    list_filter = ["state"]
    ordering = ["-pk"]
