from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feed", "0009_own_hidden_prompts")]

    operations = [
        migrations.AlterModelOptions(name="stylename", options={"verbose_name": "name of a style"}),
        migrations.AddField(model_name="stylename", name="removed_at", field=models.DateTimeField(null=True)),
    ]
