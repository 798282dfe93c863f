from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0003_written_alternative_texts")]

    operations = [
        migrations.AddField(
            model_name="image",
            name="screening_attempts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
