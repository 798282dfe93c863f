from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feed", "0016_words_by_one_tokeniser")]

    operations = [
        migrations.AddField("post", "pinned_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "post",
            models.Index(condition=models.Q(pinned_at__isnull=False), fields=["author"], name="post_pinned"),
        ),
    ]
