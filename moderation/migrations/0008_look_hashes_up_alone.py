"""A look-up of hashes takes ten milliseconds of one process; starting others to help costs more than they save."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("moderation", "0007_notices")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION salon_blocked_near(bit) SET max_parallel_workers_per_gather = 0",
            "ALTER FUNCTION salon_blocked_near(bit) RESET max_parallel_workers_per_gather",
        )
    ]
