import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names and labels only: no statement changes the database, so that running processes keep working."""

    dependencies = [("ratings", "0010_blocks_are_compressed_already")]

    operations = [
        migrations.AlterModelTable(name="drawtally", table="ratings_drawtally"),
        migrations.RenameModel(old_name="DrawTally", new_name="DrawCount"),
        migrations.AlterModelTable(name="reading", table="ratings_reading"),
        migrations.RenameModel(old_name="Reading", new_name="ReportSnapshot"),
        migrations.AlterField(
            model_name="aspectfigure",
            name="reading",
            field=models.ForeignKey(
                db_column="reading_id",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="aspects",
                to="ratings.reportsnapshot",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveIndex(model_name="aspectfigure", name="aspectfigure_shown")]
        ),
        migrations.RenameField(model_name="aspectfigure", old_name="reading", new_name="snapshot"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="aspectfigure",
                    index=models.Index(
                        fields=["snapshot", "surface", "checkpoint", "style", "category"], name="aspectfigure_shown"
                    ),
                )
            ]
        ),
        migrations.AlterField(
            model_name="raterstanding", name="judged_at", field=models.DateTimeField(db_column="judged_at")
        ),
        migrations.RenameField(model_name="raterstanding", old_name="judged_at", new_name="evaluated_at"),
        migrations.AlterField(
            model_name="raterstanding", name="gold_judged", field=models.PositiveIntegerField(db_column="gold_judged")
        ),
        migrations.RenameField(model_name="raterstanding", old_name="gold_judged", new_name="gold_checks"),
        migrations.AlterField(
            model_name="qualityflag",
            name="flag",
            field=models.CharField(
                choices=[
                    ("too_fast", "Faster than the question can be read"),
                    ("straight_line", "One of many in a row at the same position on the screen"),
                    ("failed_gold", "A damaged picture was preferred in a check"),
                    ("repeat_contradicts", "The same pair was answered the other way round"),
                    ("over_daily_cap", "More answers in a day than anyone can give carefully"),
                    ("account_limited", "The account was restricted soon afterwards"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="ask",
            name="surface",
            field=models.CharField(
                choices=[
                    ("result", "Result page (author)"),
                    ("post", "Post page (others)"),
                    ("compare", "Compare page"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="benchmark",
            name="state",
            field=models.CharField(
                choices=[("drawing", "Generating pictures"), ("judging", "Voting"), ("closed", "Closed")],
                default="drawing",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="benchmark",
            name="closes_at",
            field=models.DateTimeField(help_text="Voting ends then, decided or not"),
        ),
    ]
