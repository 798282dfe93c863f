"""What a visitor wanted to do when they were asked to sign in: offered to them once they have."""

from typing import NamedTuple

from django.http import HttpRequest

KEY = "intended"


class Intention(NamedTuple):
    path: str  # where a form posts to
    words: str  # what its button says


def remember_intention(request: HttpRequest, intention: Intention) -> None:
    request.session[KEY] = list(intention)


def take_intention(request: HttpRequest) -> Intention | None:
    """What the member wanted before they signed in; the session forgets it."""
    kept = request.session.pop(KEY, None)
    return Intention(*kept) if kept else None


def see_intention(request: HttpRequest) -> Intention | None:
    kept = request.session.get(KEY)
    return Intention(*kept) if kept else None
