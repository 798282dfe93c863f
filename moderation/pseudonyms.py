"""Names in the decision ledger that outlive an account and lead nobody back to it."""

import hashlib
import hmac

from django.conf import settings

MACHINE = "screening"


def pseudonym(user_id: int) -> str:
    """24 hexadecimal characters; always the same for a member, and other than their name in datasets."""
    return hmac.new(settings.RELEASE_SECRET.encode(), f"moderation:{user_id}".encode(), hashlib.sha256).hexdigest()[:24]
