from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_size_of_the_training_copy")]

    operations = [
        migrations.AddField(
            model_name="image",
            name="is_alt_written",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
