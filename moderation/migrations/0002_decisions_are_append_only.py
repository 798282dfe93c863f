"""Decisions and screenings are evidence: the database itself refuses to rewrite or delete them.

The author of a screening is forgotten, and the words that matched are blanked, when they delete their
account; everything else of it stays. (`salon_append_only` comes with accounts.)
"""

from django.db import migrations

DECISION = """
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON moderation_decision
FOR EACH ROW EXECUTE FUNCTION salon_append_only();
"""
SCREENING = """
CREATE TRIGGER screening_append_only
BEFORE UPDATE OF verdict, level, reasons, observations, policy_version, created_at, target_type, target_id OR DELETE
ON moderation_screening FOR EACH ROW EXECUTE FUNCTION salon_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0001_initial"),
        ("accounts", "0003_consent_is_append_only"),
    ]

    operations = [
        migrations.RunSQL(DECISION, "DROP TRIGGER decision_append_only ON moderation_decision"),
        migrations.RunSQL(SCREENING, "DROP TRIGGER screening_append_only ON moderation_screening"),
    ]
