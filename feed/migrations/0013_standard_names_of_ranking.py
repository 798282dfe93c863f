"""Models of the ranking get standard names. Tables, columns, indexes and constraints keep theirs."""

from django.db import migrations, models

RENAMED = {
    "RankFall": "RankDrop",
    "RankedList": "PrecomputedList",
    "RankedPost": "PrecomputedEntry",
    "PostHour": "PostHourlyStats",
}


class Migration(migrations.Migration):
    dependencies = [("feed", "0011_a_denser_index_of_meanings")]

    operations = [
        *(migrations.AlterModelTable(old.lower(), f"feed_{old.lower()}") for old in RENAMED),
        *(migrations.RenameModel(old, new) for old, new in RENAMED.items()),
        migrations.AlterField("postcount", "folded_at", models.DateTimeField(db_column="folded_at", null=True)),
        migrations.RenameField("postcount", "folded_at", "recounted_at"),
    ]
