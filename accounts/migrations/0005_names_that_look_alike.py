"""No two names look alike. Members whose names do already keep them; the one who came first has the look."""

from django.db import migrations, models

import accounts.sign_in.names

AT_ONCE = 1_000


def fill(apps, schema_editor):
    """Idempotent; reads and writes a bounded number of rows at a time."""
    User = apps.get_model("accounts", "User")
    last = 0
    while rows := list(User.objects.filter(pk__gt=last).order_by("pk").only("pk", "username", "deleted_at")[:AT_ONCE]):
        looks = {}
        for user in rows:
            if user.deleted_at is None:
                looks.setdefault(accounts.sign_in.names.look_of(user.username), user)
        for taken in User.objects.filter(look__in=looks).values_list("look", flat=True):
            looks.pop(taken)
        for look, user in looks.items():
            user.look = look
        User.objects.bulk_update(looks.values(), ["look"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_token_scopes")]

    operations = [
        migrations.AddField(
            "user", "look", accounts.sign_in.names.LookField(editable=False, max_length=600, null=True)
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint("user", models.UniqueConstraint(fields=["look"], name="user_look_once")),
    ]
