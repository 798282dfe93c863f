import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ratings", "0005_release_blocks")]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveSmallIntegerField()),
                ("since", models.DateTimeField()),
                ("computed_at", models.DateTimeField()),
                ("took_ms", models.PositiveIntegerField()),
                ("answers", models.PositiveIntegerField()),
                ("body", models.JSONField(default=dict)),
            ],
            options={"indexes": [models.Index(fields=["days", "-computed_at"], name="reading_latest")]},
        ),
        migrations.CreateModel(
            name="AspectFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("surface", models.CharField(max_length=8)),
                ("question", models.CharField(max_length=32)),
                ("checkpoint", models.CharField(blank=True, max_length=64)),
                ("style", models.CharField(blank=True, max_length=64)),
                ("category", models.CharField(blank=True, max_length=64)),
                ("week", models.DateField(null=True)),
                ("answers", models.PositiveIntegerField()),
                ("raters", models.PositiveIntegerField()),
                ("response", models.FloatField()),
                ("mean", models.FloatField()),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("naive", models.FloatField()),
                (
                    "reading",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="aspects", to="ratings.reading"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["reading", "surface", "checkpoint", "style", "category"], name="aspectfigure_shown"
                    )
                ]
            },
        ),
    ]
