"""Lists that are worked out beforehand (top, rising, controversial, by aspect), what rising counts, and their falls."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feed", "0004_search")]

    operations = [
        migrations.RenameField("rankfall", "hot", "key"),
        migrations.RemoveField("rankfall", "weight"),
        migrations.AddField("rankfall", "list", models.CharField(db_default="hot", default="hot", max_length=24)),
        migrations.AddField("postaspect", "spread", models.FloatField(db_default=0, default=0)),
        migrations.CreateModel(
            name="RankedList",
            fields=[
                ("name", models.CharField(max_length=24, primary_key=True, serialize=False)),
                ("rebuilt_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RankedPost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("list", models.CharField(max_length=24)),
                ("key", models.FloatField()),
                ("author_id", models.BigIntegerField()),
                ("content_level", models.PositiveSmallIntegerField()),
                ("published_at", models.DateTimeField()),
                (
                    "post",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="feed.post"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("list"),
                        models.OrderBy(models.F("key"), descending=True),
                        models.OrderBy(models.F("post"), descending=True),
                        include=("author_id", "content_level", "published_at"),
                        name="rankedpost_place",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("list", "post"), name="rankedpost_once")],
            },
        ),
        migrations.CreateModel(
            name="PostHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("impressions", models.PositiveIntegerField(default=0)),
                ("likers", models.PositiveIntegerField(default=0)),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="feed.post"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("hour", "post"), name="posthour_once")]},
        ),
    ]
