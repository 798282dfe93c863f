"""The demo's four accounts; they exist only in demo mode, on loopback.

Their passwords are made once per ``var`` and kept in a file only its owner reads.
"""

import json
import secrets
from pathlib import Path

from django.conf import settings

from config.local.processes import write_private

FILE = "demo_accounts.json"
NAMES = {"member": None, "creator": None, "moderator": "moderator", "researcher": "researcher"}


def read_accounts(var: Path) -> dict[str, str]:
    """{user name: password}, made on the first call."""
    file = var / FILE
    if not file.exists():
        accounts = {name: f"{name}-{secrets.token_hex(4)}" for name in NAMES}
        write_private(file, json.dumps(accounts))
    found: dict[str, str] = json.loads(file.read_text())
    return found


def make_accounts() -> None:
    """Makes what is missing. Refused outside demo mode."""
    from django.contrib.auth.models import Group

    from accounts.models import User

    if not settings.DEMO:
        raise SystemExit("Demo accounts are made in demo mode only: run `make demo`.")
    for name, password in read_accounts(settings.VAR_DIR).items():
        user = User.objects.filter(username=name).first() or User(username=name)
        if not user.check_password(password):
            user.set_password(password)
            user.save()
        if role := NAMES[name]:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
