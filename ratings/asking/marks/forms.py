"""The form under a picture to mark. It only parses; the services decide."""

import json
from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.text import normalise_line
from lib.text.fields import LineField
from ratings.asking.forms import TokenForm
from ratings.asking.marks.services import Place, answer_marking
from ratings.asking.services import SKIP, skip_ask

LONGEST = 4_000  # of the marks as JSON


class MarksForm(TokenForm):
    """Marks as JSON, `[{"x": 0.5, "y": 0.25, "word": "hand"}]`; or nothing wrong, or skipped."""

    marks = LineField(max_length=LONGEST, required=False)
    outcome = LineField(max_length=8)

    def submit(self, *, rater: User, about: Collection[str]) -> None:
        """Answers or skips. Raises Refused."""
        data = self.read()
        if data["outcome"] == SKIP:
            skip_ask(token=data["token"], rater=rater, about=about)
            return
        places = _places(data["marks"]) if data["outcome"] == "marked" else []
        if data["outcome"] not in {"marked", "none"} or (data["outcome"] == "marked" and not places):
            raise Refused("bad_marks", _("Mark a place, or choose “Nothing is wrong”."))
        answer_marking(token=data["token"], rater=rater, places=places, dwell_ms=data["dwell_ms"], about=about)


def _places(text: str) -> list[Place]:
    """Raises Refused for anything that is no list of places."""
    try:
        rows: list[dict[str, Any]] = json.loads(text or "[]")
        return [Place(float(row["x"]), float(row["y"]), normalise_line(str(row.get("word", "")))) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refused("bad_marks", _("These marks can't be read. Reload the page and try again.")) from None
