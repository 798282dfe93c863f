"""The policies once more, with pairs of an open benchmark among the comparisons."""

from django.db import migrations

STRATEGIES = {"model": 0.3, "seed": 0.2, "setting": 0.1, "prompt": 0.1, "challenge": 0.1, "benchmark": 0.2}
PRODUCTION = {"p_ask": {"result": 0.05, "post": 0.05}, "strategies": STRATEGIES, "p_gold": 0.03}
DEMO = {**PRODUCTION, "p_ask": {"result": 0.5, "post": 0.5}, "asks_per_day": 100, "minutes_between": 0}


def load(apps, schema_editor):
    Policy = apps.get_model("ratings", "Policy")
    made, _is_new = Policy.objects.get_or_create(version=5, defaults={"parameters": PRODUCTION})
    Policy.objects.get_or_create(version=6, defaults={"parameters": DEMO})
    # only the site that still draws by its predecessor goes on to it
    if Policy.objects.filter(version=3, is_active=True).update(is_active=False):
        Policy.objects.filter(pk=made.pk).update(is_active=True)


class Migration(migrations.Migration):
    dependencies = [("ratings", "0007_benchmarks")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
