from django.db import migrations, models


class Migration(migrations.Migration):
    """A new model name for an unchanged table, and a nullable column: running processes keep working."""

    dependencies = [("ratings", "0011_rename_counts_and_snapshots")]

    operations = [
        migrations.AlterModelTable(name="gonepicture", table="ratings_gonepicture"),
        migrations.RenameModel(old_name="GonePicture", new_name="DeletedPicture"),
        migrations.AddField(model_name="release", name="finish_claimed_until", field=models.DateTimeField(null=True)),
    ]
