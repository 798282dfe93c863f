"""Counts are rewritten in place: free space on each page keeps their updates off the index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("feed", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE feed_postcount SET (fillfactor = 70)", "ALTER TABLE feed_postcount RESET (fillfactor)"
        )
    ]
