from django.db import migrations, models

# Flags and standings of version 1 hold under version 2, apart from contradictions: those select on the outcome there.
# Members with answers of the last 30 days are evaluated anew in the following night.
COPY_FLAGS = """
INSERT INTO ratings_qualityflag (version, ask_id, flag, raised_at, lifted_at)
SELECT 2, ask_id, flag, raised_at, lifted_at FROM ratings_qualityflag
 WHERE version = 1 AND flag <> 'repeat_contradicts'
    ON CONFLICT (ask_id, version, flag) DO NOTHING
"""
COPY_STANDINGS = """
INSERT INTO ratings_raterstanding (rater_id, version, judged_at, answers, flagged, gold_judged, gold_failed, repeats,
                                   contradicted, median_dwell_ms)
SELECT rater_id, 2, judged_at, answers, flagged, gold_judged, gold_failed, repeats, contradicted, median_dwell_ms
  FROM ratings_raterstanding WHERE version = 1
    ON CONFLICT (rater_id, version) DO NOTHING
"""
CLEAR_COMPARISONS = """
UPDATE ratings_comparison SET quality_flags = array_remove(quality_flags, 'repeat_contradicts')
 WHERE 'repeat_contradicts' = ANY (quality_flags)
"""


class Migration(migrations.Migration):
    dependencies = [("ratings", "0013_effective_numbers")]

    operations = [
        migrations.AlterField(
            model_name="qualityflag",
            name="flag",
            field=models.CharField(
                choices=[
                    ("too_fast", "Faster than the question can be read"),
                    ("straight_line", "One of many in a row at the same position on the screen"),
                    ("failed_gold", "A damaged picture was preferred in a check"),
                    ("repeat_contradicts", "Too many pairs were answered the other way round when they came again"),
                    ("over_daily_cap", "More answers in a day than anyone can give carefully"),
                    ("account_limited", "The account was restricted soon afterwards"),
                ],
                max_length=24,
            ),
        ),
        migrations.RunSQL(COPY_FLAGS, migrations.RunSQL.noop),
        migrations.RunSQL(COPY_STANDINGS, migrations.RunSQL.noop),
        migrations.RunSQL(CLEAR_COMPARISONS, migrations.RunSQL.noop),
    ]
