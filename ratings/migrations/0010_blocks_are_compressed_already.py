from django.db import migrations

_COLUMN = "ALTER TABLE ratings_releaseblock ALTER COLUMN data SET STORAGE"


class Migration(migrations.Migration):
    dependencies = [("ratings", "0009_question_translations")]

    operations = [migrations.RunSQL(f"{_COLUMN} EXTERNAL", f"{_COLUMN} EXTENDED")]
