import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Rows that were planned before cannot be built any more: their releases are begun again.
_END = """UPDATE ratings_release SET state = 'failed', failure = 'Salon was updated. Begin this release again.'
           WHERE state IN ('requested', 'building')"""


class Migration(migrations.Migration):
    dependencies = [("ratings", "0004_policies_with_checks")]

    operations = [
        migrations.RunSQL(_END, migrations.RunSQL.noop),
        migrations.DeleteModel(name="ReleaseItem"),
        migrations.AddField(
            model_name="releaseshard", name="copied_from", field=models.CharField(blank=True, max_length=120)
        ),
        migrations.CreateModel(
            name="GonePicture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="ReleaseBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveBigIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("raters", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("images", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("data", models.BinaryField()),
                (
                    "shard",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="ratings.releaseshard",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("shard", "position"), name="releaseblock_position")],
            },
        ),
        migrations.CreateModel(
            name="ReleaseTombstone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=16)),
                ("key", models.BigIntegerField()),
                ("gone_on", models.DateField()),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tombstones",
                        to="ratings.release",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("release", "kind", "key"), name="releasetombstone_once")
                ],
            },
        ),
    ]
