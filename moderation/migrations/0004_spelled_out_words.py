"""A rule against words whose letters are all set apart: once joined, nobody can tell where one word ends."""

from django.db import migrations

RULE = {
    "slug": "spelled-out",
    "pattern": r"(?<!\w)(?:[^\W\d_][\W_]{1,3}){7,}[^\W\d_](?!\w)",
    "effect": "block",
    "category": "unchecked",
    "reason": "Please write whole words: letters that are set apart cannot be checked. Nothing was made.",
}


def add_rule(apps, schema_editor):
    apps.get_model("moderation", "Rule").objects.get_or_create(slug=RULE["slug"], defaults=RULE)


class Migration(migrations.Migration):
    dependencies = [("moderation", "0003_starting_rules")]

    operations = [migrations.RunPython(add_rule, migrations.RunPython.noop)]
