"""Rules that know their context and carry examples, instead of the first ones where nobody has changed those."""

from importlib import import_module

from django.db import migrations
from django.utils import timezone

RETIRED = ["spelled-out", "explicit", "nudity", "gore", "self-harm", "hate", "sexualised-minors", "minors-by-name",
           "undressing-people", "real-people-sexual", "sexual-violence"]  # fmt: skip
APPEND_ONLY = """
CREATE TRIGGER ruledecision_append_only BEFORE UPDATE OR DELETE ON moderation_ruledecision
FOR EACH ROW EXECUTE FUNCTION salon_append_only();
"""


def replace_rules(apps, schema_editor):
    rule = apps.get_model("moderation", "Rule")
    decision = apps.get_model("moderation", "RuleDecision")
    now = timezone.now()
    first = {
        values["slug"]: values["pattern"] for values in import_module("moderation.migrations.0003_starting_rules").RULES
    }
    spelled = import_module("moderation.migrations.0004_spelled_out_words").RULE
    first[spelled["slug"]] = spelled["pattern"]
    active = {each.slug: each for each in rule.objects.filter(retired_at=None)}
    kept = {slug for slug, each in active.items() if slug in first and each.pattern != first[slug]}
    if active or not rule.objects.exists():
        for slug in RETIRED:
            if slug in active and slug not in kept:
                rule.objects.filter(pk=active[slug].pk).update(retired_at=now)
        for values in import_module("moderation.migrations._starting_rules_2026_12").RULES:
            if values["slug"] in kept:
                continue
            version = 2 if values["slug"] in first else 1
            added = rule.objects.create(**values, version=version)
            decision.objects.create(
                rule=added, action="add", actor_pseudonym="", reason="Comes with Salon.", decided_at=now
            )


class Migration(migrations.Migration):
    dependencies = [("moderation", "0009_rule_versions")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER ruledecision_append_only ON moderation_ruledecision"),
        migrations.RunPython(replace_rules, migrations.RunPython.noop),
    ]
