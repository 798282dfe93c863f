"""Hidden checks in the ledger, flags on answers with a way to appeal, and wordings in other languages."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.ids


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0001_initial"),
        ("ratings", "0002_questions_and_policies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="QualityAppeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=accounts.ids.new_public_id, editable=False, max_length=12, unique=True),
                ),
                ("text", models.TextField(max_length=2000)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Waiting for the team"), ("granted", "Granted"), ("denied", "Denied")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("answer", models.TextField(blank=True, max_length=2000)),
                ("created_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="QualityFlag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveSmallIntegerField()),
                (
                    "flag",
                    models.CharField(
                        choices=[
                            ("too_fast", "Given faster than the question can be read"),
                            ("straight_line", "One of a long row on the same place of the screen"),
                            ("failed_gold", "Spoiled pictures were preferred to intact ones"),
                            ("repeat_contradicts", "The same pair was judged the other way round"),
                            ("over_daily_cap", "More answers in a day than anybody gives with care"),
                            ("account_limited", "The account was restricted soon after"),
                        ],
                        max_length=24,
                    ),
                ),
                ("raised_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="QuestionTranslation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=8)),
                ("text", models.CharField(max_length=200)),
                (
                    "labels",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=5),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RaterStanding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveSmallIntegerField()),
                ("judged_at", models.DateTimeField()),
                ("answers", models.PositiveIntegerField()),
                ("flagged", models.PositiveIntegerField()),
                ("gold_judged", models.PositiveIntegerField()),
                ("gold_failed", models.PositiveIntegerField()),
                ("repeats", models.PositiveIntegerField()),
                ("contradicted", models.PositiveIntegerField()),
                ("median_dwell_ms", models.PositiveIntegerField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="ask",
            name="is_high_spoiled",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="ask",
            name="language",
            field=models.CharField(default="en", max_length=8),
        ),
        migrations.AddField(
            model_name="policy",
            name="activated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="note",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddConstraint(
            model_name="ask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_gold", False), ("is_high_spoiled", None)),
                    models.Q(("is_gold", True), ("is_high_spoiled__isnull", False)),
                    _connector="OR",
                ),
                name="ask_gold_has_a_spoiled_side",
            ),
        ),
        migrations.AddField(
            model_name="qualityappeal",
            name="answered_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="qualityappeal",
            name="rater",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="qualityflag",
            name="ask",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="ratings.ask"
            ),
        ),
        migrations.AddField(
            model_name="questiontranslation",
            name="question",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="translations", to="ratings.question"
            ),
        ),
        migrations.AddField(
            model_name="raterstanding",
            name="rater",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="qualityappeal",
            index=models.Index(fields=["rater", "-created_at"], name="qualityappeal_of_rater"),
        ),
        migrations.AddConstraint(
            model_name="qualityappeal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("rater",), name="qualityappeal_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="qualityflag",
            constraint=models.UniqueConstraint(fields=("ask", "version", "flag"), name="qualityflag_once"),
        ),
        migrations.AddConstraint(
            model_name="questiontranslation",
            constraint=models.UniqueConstraint(fields=("question", "language"), name="translation_once"),
        ),
        migrations.AddIndex(
            model_name="raterstanding",
            index=models.Index(fields=["version", "-flagged", "-answers", "id"], name="raterstanding_flagged"),
        ),
        migrations.AddConstraint(
            model_name="raterstanding",
            constraint=models.UniqueConstraint(fields=("rater", "version"), name="raterstanding_once"),
        ),
    ]
