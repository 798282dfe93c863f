"""Named by migrations: the function they call is `lib.ids.new_public_id`."""

from lib.ids import new_public_id

__all__ = ["new_public_id"]
