"""An index of the few rows whose prompt is hidden: every search of a member asks whether they have one."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("feed", "0008_picture_readings")]

    operations = [
        migrations.AddIndex(
            "searchentry",
            models.Index(fields=["author_id"], name="searchentry_hidden", condition=Q(is_prompt_hidden=True)),
        )
    ]
