"""The next versions of the shipped rules, where nobody has changed them: more phrases that clear, more words."""

from importlib import import_module

from django.db import migrations
from django.utils import timezone

COMPARED = ("pattern", "second_pattern", "clears", "eased_by")


def replace_rules(apps, schema_editor):
    rule = apps.get_model("moderation", "Rule")
    decision = apps.get_model("moderation", "RuleDecision")
    now = timezone.now()
    shipped = {each["slug"]: each for each in import_module("moderation.migrations._starting_rules_2026_12").RULES}
    for values in import_module("moderation.migrations._clears_2026_12").changed():
        old = rule.objects.filter(slug=values["slug"], retired_at=None).first()
        before = shipped[values["slug"]]
        if old is None or any(getattr(old, name) != before.get(name, "") for name in COMPARED):
            continue
        rule.objects.filter(pk=old.pk).update(retired_at=now)
        added = rule.objects.create(**values, version=old.version + 1)
        decision.objects.create(
            rule=added, action="add", actor_pseudonym="", reason="Comes with Salon.", decided_at=now
        )


class Migration(migrations.Migration):
    dependencies = [("moderation", "0010_rules_with_context")]

    operations = [migrations.RunPython(replace_rules, migrations.RunPython.noop)]
