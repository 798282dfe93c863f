"""The policies again, with challenge entries and gold pairs among the comparisons; a policy that has drawn stays."""

from django.db import migrations

STRATEGIES = {"model": 0.35, "seed": 0.25, "setting": 0.15, "prompt": 0.1, "challenge": 0.15}
PRODUCTION = {"p_ask": {"result": 0.05, "post": 0.05}, "strategies": STRATEGIES, "p_gold": 0.03}
DEMO = {**PRODUCTION, "p_ask": {"result": 0.5, "post": 0.5}, "asks_per_day": 100, "minutes_between": 0}

STAYS = """
CREATE FUNCTION ratings_policy_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (NEW.parameters, NEW.version) IS DISTINCT FROM (OLD.parameters, OLD.version) AND (
        EXISTS (SELECT FROM ratings_ask WHERE policy_id = OLD.id)
        OR EXISTS (SELECT FROM ratings_drawtally WHERE policy_id = OLD.id)
    ) THEN
        RAISE EXCEPTION 'policy % has drawn and stays as it is; other numbers are another version', OLD.version
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_stays BEFORE UPDATE ON ratings_policy FOR EACH ROW EXECUTE FUNCTION ratings_policy_stays();
"""


def load(apps, schema_editor):
    Policy = apps.get_model("ratings", "Policy")
    made, _is_new = Policy.objects.get_or_create(version=3, defaults={"parameters": PRODUCTION})
    Policy.objects.get_or_create(version=4, defaults={"parameters": DEMO})
    # only the site that still draws by the first policy goes on to its successor
    if Policy.objects.filter(version=1, is_active=True).update(is_active=False):
        Policy.objects.filter(pk=made.pk).update(is_active=True)


class Migration(migrations.Migration):
    dependencies = [("ratings", "0003_checks_flags_and_wordings")]
    operations = [
        migrations.RunPython(load, migrations.RunPython.noop),
        migrations.RunSQL(STAYS, "DROP TRIGGER policy_stays ON ratings_policy; DROP FUNCTION ratings_policy_stays"),
    ]
