import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0001_initial"),
        ("ratings", "0006_research_figures"),
    ]

    operations = [
        migrations.CreateModel(
            name="Benchmark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=64, unique=True)),
                ("title", models.CharField(max_length=120)),
                (
                    "seeds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), help_text="The same for all", size=None
                    ),
                ),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
                ("votes_a_pair", models.PositiveIntegerField(help_text="Votes at which a pair of models is decided")),
                ("closes_at", models.DateTimeField(help_text="Judging ends then, decided or not")),
                ("protocol", models.JSONField()),
                ("registered_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("drawing", "Pictures are being made"),
                            ("judging", "The community judges"),
                            ("closed", "Closed"),
                        ],
                        default="drawing",
                        max_length=8,
                    ),
                ),
                ("opened_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("results", models.JSONField(default=dict)),
                ("results_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="BenchmarkPrompt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(blank=True, max_length=64)),
                ("text", models.TextField(max_length=2000)),
                ("category", models.CharField(blank=True, max_length=64)),
                ("challenge", models.CharField(blank=True, max_length=64)),
                ("note", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.CreateModel(
            name="PromptSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "form",
                    models.CharField(
                        choices=[
                            ("parti", "PartiPrompts: a table of Prompt, Category, Challenge, Note"),
                            ("mjhq", "MJHQ-30K: meta_data.json"),
                            ("table", "A table or lines of JSON with prompt and category"),
                        ],
                        max_length=8,
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="BenchmarkEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "benchmark",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="ratings.benchmark"
                    ),
                ),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="generation.checkpoint"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BenchmarkPicture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seed", models.BigIntegerField()),
                ("failure", models.CharField(blank=True, max_length=200)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pictures",
                        to="ratings.benchmarkentry",
                    ),
                ),
                (
                    "image",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="benchmark_picture",
                        to="generation.image",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ratings.benchmarkprompt"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BenchmarkScore",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "metric",
                    models.CharField(
                        choices=[("fid", "Fréchet distance (FID)"), ("similarity", "Prompt-image similarity")],
                        max_length=12,
                    ),
                ),
                ("category", models.CharField(blank=True, max_length=64)),
                ("value", models.FloatField()),
                ("pictures", models.PositiveIntegerField()),
                ("extractor", models.CharField(max_length=160)),
                ("computed_at", models.DateTimeField()),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scores", to="ratings.benchmarkentry"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="benchmarkprompt",
            name="prompt_set",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="prompts", to="ratings.promptset"
            ),
        ),
        migrations.AddField(
            model_name="benchmark",
            name="prompt_set",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="benchmarks", to="ratings.promptset"
            ),
        ),
        migrations.AddConstraint(
            model_name="benchmarkentry",
            constraint=models.UniqueConstraint(fields=("benchmark", "checkpoint"), name="benchmarkentry_once"),
        ),
        migrations.AddIndex(
            model_name="benchmarkpicture",
            index=models.Index(
                condition=models.Q(("image__isnull", False)), fields=["prompt", "seed"], name="benchmarkpicture_pair"
            ),
        ),
        migrations.AddConstraint(
            model_name="benchmarkpicture",
            constraint=models.UniqueConstraint(fields=("entry", "prompt", "seed"), name="benchmarkpicture_once"),
        ),
        migrations.AddConstraint(
            model_name="benchmarkscore",
            constraint=models.UniqueConstraint(fields=("entry", "metric", "category"), name="benchmarkscore_once"),
        ),
        migrations.AddConstraint(
            model_name="benchmarkprompt",
            constraint=models.UniqueConstraint(fields=("prompt_set", "number"), name="benchmarkprompt_once"),
        ),
    ]
