"""Names that mean something inside one table of one release, and nothing anywhere else."""

import hmac
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_MASK = (1 << 63) - 1


def _digest(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


@lru_cache(maxsize=64)
def derived_key(secret: str, *purpose: str) -> bytes:
    """A 256-bit key for one purpose; ("splits",) and ("release", id, table) never meet."""
    return _digest(secret.encode(), json.dumps(purpose))


def number(key: bytes, *parts: Any) -> int:
    """A pseudonym of 63 bits, so that it fits an int64 column and is never negative."""
    return int.from_bytes(_digest(key, json.dumps(parts))[:8], "big") & _MASK


def digest_of(secret: str, sha256: str) -> str:
    """What is kept of a deleted picture, so that a copy of it does not leave either: it names nothing outside."""
    return _digest(derived_key(secret, "gone"), sha256).hex()


_repeated = lru_cache(maxsize=50_000)(number)  # people come again and again; rows do not


@dataclass(frozen=True)
class Keys:
    """The keys of one table of one release; the same member has unrelated ids under any two of them."""

    secret: str
    release: str
    table: str

    def _of(self, purpose: str) -> bytes:
        return derived_key(self.secret, "release", self.release, self.table, purpose)

    def rater(self, user_id: int, *, is_author: bool) -> int:
        """Self-ratings stand beside a public picture that names the rater: they get ids of their own."""
        return _repeated(self._of("self-rater" if is_author else "rater"), user_id)

    def row(self, row_id: int | str) -> int:
        return number(self._of("row"), row_id)

    def text(self, purpose: str, *parts: Any) -> str:
        """A pseudonym as 16 hexadecimal digits, for the string columns."""
        return f"{number(self._of(purpose), *parts):016x}"

    def coin(self, *parts: Any) -> bool:
        """A fair coin that falls the same way whenever the same plan is made."""
        return bool(number(self._of("side"), *parts) & 1)
