"""Collects what is wrong with a request, by field, so that all of it is said at once."""

import math

from lib.errors import Refused


class Faults:
    """A check that fails adds a message and goes on with a default, so that the others run too."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, message: str) -> None:
        self.fields.setdefault(field, []).append(message)

    def refusal(self) -> Refused:
        """Call when there is at least one."""
        return Refused("invalid", next(iter(self.fields.values()))[0], fields=self.fields)

    def raise_if_any(self) -> None:
        if self.fields:
            raise self.refusal()

    def integer(self, field: str, value: object, least: int, most: int, message: str) -> int:
        """A whole number between two others, else the least and `message`."""
        number = whole(value)
        if number is None or not least <= number <= most:
            self.add(field, message)
            return least
        return number

    def decimal(self, field: str, value: object, least: float, most: float, message: str, *, usual: float) -> float:
        """A number between two others; `usual` where there is none, and after adding `message` for a wrong one."""
        if value is None or value == "":
            return usual
        number = decimal(value)
        if number is None or not least <= number <= most:
            self.add(field, message)
            return usual
        return number


def whole(value: object) -> int | None:
    """A whole number, or one in plain decimal digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value
    digits = value.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


def decimal(value: object) -> float | None:
    """A finite number, or one as it was typed."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
