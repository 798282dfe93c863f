"""When moderators were last mailed about a case's deadline."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0011_more_context")]

    operations = [migrations.AddField("case", "alarmed_at", models.DateTimeField(null=True))]
