"""The form under pictures to rank. It only parses; the services decide."""

from collections.abc import Collection
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.text.fields import LineField
from ratings.asking.forms import TokenForm
from ratings.asking.rankings.services import MOST, answer_ranking
from ratings.asking.services import SKIP, skip_ask


class RankingForm(TokenForm):
    """`rank` once a picture, in the order shown; or skipped."""

    outcome = LineField(max_length=8)

    def submit(self, *, rater: User, about: Collection[str]) -> None:
        """Answers or skips. Raises Refused."""
        data = self.read()
        if data["outcome"] == SKIP:
            skip_ask(token=data["token"], rater=rater, about=about)
            return
        ranks = _ranks(self.data)
        answer_ranking(token=data["token"], rater=rater, ranks=ranks, dwell_ms=data["dwell_ms"], about=about)


def _ranks(data: Any) -> list[int]:
    """Raises Refused for what is no rank."""
    ranks = data.getlist("rank") if isinstance(data, QueryDict) else []
    if not ranks or not set(ranks) <= {str(rank) for rank in range(1, MOST + 1)}:
        raise Refused("bad_ranks", _("Give every picture a rank."))
    return [int(rank) for rank in ranks]
