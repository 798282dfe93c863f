"""The form of a new campaign, and what an answer's page sends. They only parse; the services decide."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.models import Checkpoint
from lib.days import day_bounds, local_day
from lib.errors import Refused
from lib.text.fields import LineField, TextField
from ratings.asking.drawing import PREFERENCE
from ratings.asking.forms import CANT_TELL, AnswerForm, ComparisonForm
from ratings.asking.models import Question
from ratings.benchmarks.models import PromptSet
from ratings.benchmarks.prompts import Prompt, read_prompts, to_lines
from ratings.campaigns import asks
from ratings.campaigns.models import Campaign
from ratings.campaigns.services import NewQuestion, Plan

NEW = "new"
MOST_BYTES = 5_000_000  # of a file of prompts
DAYS = 14
_SEPARATORS = str.maketrans(",;", "  ")


def _day(label: Any, days: int) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, initial=lambda: local_day(timezone.now()) + timedelta(days=days))


class CampaignForm(forms.Form):
    title = LineField(label=_("Title"), max_length=120, help_text=_("Members see it."))
    prompts = TextField(
        label=_("Prompts"),
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One a line. Or choose a file below."),
    )
    file = forms.FileField(label=_("A file of prompts"), required=False)
    form = forms.ChoiceField(
        label=_("The file is"), choices=PromptSet.Form.choices, initial=PromptSet.Form.TABLE, required=False
    )
    checkpoints = forms.ModelMultipleChoiceField(
        label=_("Models"),
        queryset=Checkpoint.objects.none(),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("They draw the pictures. Or bring pictures of other models in an archive below."),
    )
    size = forms.ChoiceField(label=_("Size of the pictures"), required=False)
    pictures_a_prompt = forms.IntegerField(
        label=_("Pictures a prompt and model"),
        min_value=1,
        max_value=20,
        initial=1,
        help_text=_("One a seed; all models have the same seeds."),
    )
    archive = forms.FileField(label=_("An archive of pictures"), required=False)
    licence = LineField(
        label=_("Licence of the pictures"),
        max_length=64,
        required=False,
        help_text=_("Only for an archive, such as CC-BY-4.0. It must allow publication, and training on the pictures."),
    )
    question = forms.ChoiceField(label=_("Question"))
    new_question = LineField(
        label=_("The new question"),
        max_length=200,
        required=False,
        help_text=_("About one picture. Only for a new question."),
    )
    labels = TextField(
        label=_("Its five steps"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One a line, from worst to best. Only for a new question."),
    )
    answers_wanted = forms.IntegerField(
        label=_("Answers"),
        min_value=1,
        max_value=1000,
        initial=10,
        help_text=_("Of different members, for each picture or pair."),
    )
    listed = TextField(
        label=_("Who is asked"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Usernames, with spaces between them. Left empty, every member may take part."),
    )
    starts_on = _day(_("First day"), 0)
    ends_on = _day(_("Last day"), DAYS)
    consent_text = TextField(
        label=_("Consent text"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("What the study is for and what happens to the answers. Members agree before the first question."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        enabled = Checkpoint.objects.enabled().order_by("name")
        sizes = sorted({(width, height) for row in enabled for width, height in row.sizes})
        questions = Question.objects.active().on_scale().order_by("pk")
        by_aspect = Question.objects.active().by_aspect().order_by("pk")
        choices: dict[str, list[tuple[str, Any]]] = {
            "size": [(f"{width}x{height}", f"{width} × {height}") for width, height in sizes],
            "question": [
                (PREFERENCE, _("Pairs of two models: which is better")),
                *((row.slug, _("Pairs of two models: %(question)s") % {"question": row.text}) for row in by_aspect),
                *((question.slug, question.text) for question in questions),
                (NEW, _("A new question about single pictures")),
            ],
        }
        for name, found in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = found
        models = self.fields["checkpoints"]
        assert isinstance(models, forms.ModelMultipleChoiceField)
        models.queryset = enabled
        self.fields["archive"].help_text = _(
            "A ZIP of pictures, at most %(n)s MB, with a metadata.csv or metadata.jsonl beside them. It has a line "
            "for each picture: file_name, prompt, model and, if there is one, seed; such as "
            "“fox-a.png,a fox in snow,model-a,7”. Prompts and models come from there, so leave those fields empty."
        ) % {"n": settings.MAX_ARCHIVE_BYTES // 1_000_000}

    def clean(self) -> dict[str, Any]:
        """Models that draw, or an archive: one of them, with what belongs to it."""
        data = super().clean() or {}
        if not self.has_error("archive") and not self.has_error("checkpoints"):
            if bool(data["archive"]) == bool(data["checkpoints"]):
                self.add_error("checkpoints", _("Choose models, or an archive of pictures below, and not both."))
            elif data["archive"]:
                if data.get("prompts") or data.get("file"):
                    self.add_error("prompts", _("The prompts come from the archive. Leave these empty."))
            elif not data.get("size"):
                self.add_error("size", _("Choose a size."))
        return data

    def get_plan(self) -> Plan:
        """What was chosen; call on a valid form. Raises Refused with `fields` for prompts that cannot be read."""
        data = self.cleaned_data
        return Plan(
            **self._pictures(),
            title=data["title"],
            question=self._question(),
            consent_text=data["consent_text"],
            answers_wanted=data["answers_wanted"],
            listed=data["listed"].translate(_SEPARATORS).split(),
            starts_at=day_bounds(data["starts_on"])[0],
            ends_at=day_bounds(data["ends_on"])[1],
        )

    def _pictures(self) -> dict[str, Any]:
        """The part of the plan that says where pictures come from."""
        data = self.cleaned_data
        if data["archive"]:
            return {"archive": data["archive"], "licence": data["licence"]}
        width, _x, height = data["size"].partition("x")
        return {
            "prompts": self._prompts(),
            "checkpoints": [row.slug for row in data["checkpoints"]],
            "size": (int(width), int(height)),
            "pictures_a_prompt": data["pictures_a_prompt"],
        }

    def _question(self) -> Question | NewQuestion:
        data = self.cleaned_data
        if data["question"] != NEW:
            return Question.objects.active().get(slug=data["question"])
        labels = [line.strip() for line in data["labels"].splitlines() if line.strip()]
        return NewQuestion(data["new_question"], labels)

    def _prompts(self) -> list[Prompt]:
        typed = [Prompt(line.strip()) for line in self.cleaned_data["prompts"].splitlines() if line.strip()]
        file = self.cleaned_data["file"]
        if bool(typed) == bool(file):
            message = _("Type prompts, or choose a file with prompts.")
            raise Refused("bad_prompts", message, fields={"prompts": [message]})
        if file:
            return read_prompts(_text_of(file), self.cleaned_data["form"] or PromptSet.Form.TABLE)
        try:
            return read_prompts(to_lines(typed), PromptSet.Form.TABLE)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, fields={"prompts": [refusal.message]}) from None


def _text_of(file: Any) -> str:
    if file.size > MOST_BYTES:
        message = _("The file is larger than 5 MB.")
        raise Refused("bad_prompts", message, fields={"file": [message]})
    try:
        text: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        message = _("The file is not text in UTF-8.")
        raise Refused("bad_prompts", message, fields={"file": [message]})
    return text


def submit_answer(values: Mapping[str, Any], *, campaign: Campaign, rater: User, about: Collection[str]) -> None:
    """Answers or skips an ask with what a page sent. Raises Refused."""
    if campaign.is_about_pairs:
        data = ComparisonForm(values).read()
        answer = {name: data[name] for name in ("token", "outcome", "dwell_ms")}
        asks.answer_campaign_pair(**answer, rater=rater, about=about)
        return
    form = AnswerForm(values)
    data = form.read()
    if data["outcome"]:
        form.submit(rater=rater, about=about)
        return
    value = None if data["value"] == CANT_TELL else int(data["value"])
    asks.answer_campaign_ask(token=data["token"], rater=rater, value=value, dwell_ms=data["dwell_ms"], about=about)
