"""Scopes and last use of API tokens."""

import django.contrib.postgres.fields
from django.db import migrations, models

import accounts.tokens.scopes


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_consent_is_append_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("read", "Read what I can see"),
                        ("write", "Publish, like, comment, answer questions, change my settings"),
                        ("generate", "Generate pictures"),
                        ("research", "Build dataset releases (research team)"),
                        ("moderate", "Decide cases (moderators)"),
                    ],
                    max_length=16,
                ),
                db_default=["read", "write", "generate", "research", "moderate"],
                default=accounts.tokens.scopes.every_scope,
                size=None,
            ),
        ),
    ]
