"""The transparency report: by reason of the policy and by rule, how much was decided and how often it was wrong."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q

from moderation.decisions.models import Decision
from moderation.policy import Reason
from moderation.pseudonyms import MACHINE

_AGAINST = [Decision.Action.REMOVE, Decision.Action.LEVEL, Decision.Action.HOLD, Decision.Action.RESTRICT]


@dataclass(frozen=True)
class Row:
    """`overturned`: taken back after an appeal (reasons), or let through by a moderator (rules)."""

    kind: str  # "reason" or "rule"
    name: str
    decided: int
    by_machine: int
    appealed: int
    overturned: int

    @property
    def percent(self) -> float:
        return round(100 * self.overturned / self.decided, 1) if self.decided else 0.0

    @property
    def label(self) -> str:
        return str(Reason(self.name).label) if self.kind == "reason" and self.name in Reason.values else self.name

    def record(self) -> dict[str, object]:
        return {**asdict(self), "overturned_percent": self.percent}


COLUMNS = ["kind", "name", "decided", "by_machine", "appealed", "overturned", "overturned_percent"]


def report(since: datetime, until: datetime) -> list[Row]:
    """Of a period, the most decided first."""
    rows = [*_by_reason(since, until), *_by_rule(since, until)]
    return sorted(rows, key=lambda row: (row.kind, -row.decided, row.name))


def _by_reason(since: datetime, until: datetime) -> list[Row]:
    made = Decision.objects.filter(decided_at__range=(since, until), action__in=_AGAINST, reverses=None)
    counted = made.values_list("reason").annotate(
        decided=Count("pk", distinct=True),
        by_machine=Count("pk", filter=Q(actor_pseudonym=MACHINE), distinct=True),
        appealed=Count("appeal", distinct=True),
        overturned=Count("pk", filter=Q(reversed_by__reason=Reason.APPEAL), distinct=True),
    )
    return [Row("reason", *values) for values in counted.order_by()]


_RULES = """
SELECT coalesce(nullif(split_part(seen->>'version', '/', 2), ''), seen->>'checker'),
    count(DISTINCT made.id), count(DISTINCT made.id) FILTER (WHERE made.action = 'approve')
FROM moderation_decision made, jsonb_array_elements(made.scores->'observations') seen
WHERE made.decided_at BETWEEN %s AND %s AND made.scores->>'verdict' IN ('hold', 'reject')
    AND made.action IN ('approve', 'level', 'hold', 'remove') AND made.reverses_id IS NULL
    AND seen->>'label' <> 'level' AND (seen->>'label' <> 'explicit' OR (seen->>'score')::float >= 0.9)
GROUP BY 1
"""


def _by_rule(since: datetime, until: datetime) -> list[Row]:
    """What moderators said to what each rule had stopped."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES, [since, until])
        return [Row("rule", name, decided, 0, 0, passed) for name, decided, passed in cursor.fetchall()]
