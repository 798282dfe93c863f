"""The question bank in its first wording, and the two policies: what a site draws by, and what a demo does."""

from django.db import migrations
from django.utils.translation import gettext_noop as _

# Worst to best. Marked for translation here and translated when shown; a new wording is a new version.
SCALES = {
    "lighting": (
        _("How is the lighting?"),
        [_("Spoils it"), _("Poor"), _("Acceptable"), _("Good"), _("Excellent")],
    ),
    "subject": (
        _("How well is the main subject drawn?"),
        [_("Not recognisable"), _("Poorly"), _("Acceptably"), _("Well"), _("Very well")],
    ),
    "background": (
        _("How well does the background suit the picture?"),
        [_("Spoils it"), _("Poorly"), _("Acceptably"), _("Well"), _("Very well")],
    ),
    "colour": (
        _("How are the colours and the contrast?"),
        [_("Spoil it"), _("Poor"), _("Acceptable"), _("Good"), _("Excellent")],
    ),
    "prompt-match": (
        _("How much of the prompt is in the picture?"),
        [_("Nothing"), _("A little"), _("About half"), _("Most of it"), _("All of it")],
    ),
    "artefacts": (
        _("How free is the picture of visible mistakes?"),
        [_("Full of them"), _("Many"), _("A few"), _("Hardly any"), _("None at all")],
    ),
    "overall": (
        _("How do you like the picture overall?"),
        [_("Not at all"), _("A little"), _("It is all right"), _("A lot"), _("Very much")],
    ),
}
PREFERENCE = (_("Which picture is better?"), [_("Left"), _("Right"), _("Tie"), _("Both bad")])

STRATEGIES = {"model": 0.4, "seed": 0.3, "setting": 0.15, "prompt": 0.15}
PRODUCTION = {"p_ask": {"result": 0.05, "post": 0.05}, "strategies": STRATEGIES}
DEMO = {
    "p_ask": {"result": 0.5, "post": 0.5},
    "asks_per_day": 100,
    "minutes_between": 0,
    "strategies": STRATEGIES,
}


def load(apps, schema_editor):
    Question, Policy = apps.get_model("ratings", "Question"), apps.get_model("ratings", "Policy")
    for slug, (text, labels) in SCALES.items():
        Question.objects.get_or_create(slug=slug, version=1, defaults={"text": text, "labels": labels})
    text, labels = PREFERENCE
    Question.objects.get_or_create(
        slug="preference", version=1, defaults={"text": text, "labels": labels, "form": "pair"}
    )
    Policy.objects.get_or_create(version=1, defaults={"parameters": PRODUCTION, "is_active": True})
    Policy.objects.get_or_create(version=2, defaults={"parameters": DEMO})


class Migration(migrations.Migration):
    dependencies = [("ratings", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
