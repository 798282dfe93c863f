"""Models get the names that they have elsewhere; tables keep theirs."""

from django.conf import settings
from django.db import migrations, models

RENAMED = {
    "StaleCount": ("RecountRequest", "feed_stalecount"),
    "NoticeSettings": ("NotificationSettings", "feed_noticesettings"),
    "NoticeChoice": ("NotificationChoice", "feed_noticechoice"),
}


class Migration(migrations.Migration):
    dependencies = [
        ("feed", "0013_standard_names_of_ranking"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *(migrations.AlterModelTable(old, table) for old, (_new, table) in RENAMED.items()),
        *(migrations.RenameModel(old, new) for old, (new, _table) in RENAMED.items()),
        migrations.AlterField(
            "notificationsettings",
            "member",
            models.OneToOneField(
                settings.AUTH_USER_MODEL,
                primary_key=True,
                on_delete=models.CASCADE,
                related_name="notification_settings",
                serialize=False,
            ),
        ),
        migrations.AlterField(
            "notificationchoice",
            "member",
            models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices"),
        ),
    ]
