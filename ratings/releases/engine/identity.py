"""Pseudonyms: stable within one table of one release, unrelated in any other."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 63) - 1
_BLOCK = 64  # bytes: the block of SHA-256, which HMAC pads its key to


def _digest(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


@lru_cache(maxsize=64)
def derived_key(secret: str, *purpose: str) -> bytes:
    """A 256-bit key for one purpose; no two purposes share a key."""
    return _digest(secret.encode(), json.dumps(purpose))


def number(key: bytes, *parts: Any) -> int:
    """A pseudonym of 63 bits, so that it fits an int64 column and is never negative."""
    return int.from_bytes(_digest(key, json.dumps(parts))[:8], "big") & _MASK


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer pads of HMAC-SHA-256 (RFC 2104) for a key of at most 64 bytes."""
    padded = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


def numbers(key: bytes, messages: Iterable[bytes]) -> NDArray[np.int64]:
    """`number` of many messages (the JSON text of the parts), several times as fast: the pads are hashed once."""
    inner, outer = (hashlib.sha256(pad) for pad in pads(key))
    found = []
    for message in messages:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        found.append(second.digest()[:8])
    return np.frombuffer(b"".join(found), ">i8").astype(np.int64) & _MASK


def picture_digest(secret: str, sha256: str) -> str:
    """The keyed digest kept of a deleted picture, so that no copy of its bytes is published later."""
    return _digest(derived_key(secret, "gone"), sha256).hex()


_cached_number = lru_cache(maxsize=50_000)(number)  # a rater occurs many times, a row once


@dataclass(frozen=True)
class Keys:
    """The keys of one table of one release; a member has unrelated ids under the keys of any two tables."""

    secret: str
    release: str
    table: str

    def _of(self, purpose: str) -> bytes:
        return derived_key(self.secret, "release", self.release, self.table, purpose)

    def rater(self, user_id: int, *, is_author: bool) -> int:
        """Self-ratings have ids of their own: the picture beside them is public and names its author, the rater."""
        return _cached_number(self._of("self-rater" if is_author else "rater"), user_id)

    def row(self, row_id: int | str) -> int:
        return number(self._of("row"), row_id)

    def rows(self, row_ids: Iterable[int]) -> NDArray[np.int64]:
        return numbers(self._of("row"), (b"[%d]" % row_id for row_id in row_ids))

    def text(self, purpose: str, *parts: Any) -> str:
        """A pseudonym as 16 hexadecimal digits, for the string columns."""
        return f"{number(self._of(purpose), *parts):016x}"

    def coin(self, *parts: Any) -> bool:
        """A fair coin toss with the same result whenever the same plan is made."""
        return bool(number(self._of("side"), *parts) & 1)
