"""The scope of one plan: filter, cut-off time, keys, and the temporary tables of eligible pictures and members.

`prepare` decides once, for every picture and member, whether their rows may be published, and keeps the answers in
temporary tables. Formats join these, so a plan is a few statements over a ledger instead of a loop over its rows.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef

from accounts.models import User
from feed.models import PollVote
from ratings.asking.models import Ask, Surface
from ratings.releases.engine import pictures, sql
from ratings.releases.engine.eligibility import ReleaseFilter, rater_reason
from ratings.releases.engine.identity import Keys, derived_key, pads
from ratings.releases.formats.columns import ABOUT_PAIR, ABOUT_PICTURE, ABOUT_SEVERAL

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Every temporary table of a plan, dropped before a second plan in the same transaction.
TEMPORARY = (
    "key",
    "person",
    "caption",
    "asked",
    "picture",
    "flag",
    "rater",
    "vote",
    "vote_count",
    "pair",
    "liking",
    "side",
    "named",
)
# One key per purpose and table, as `identity.Keys` derives them.
PURPOSES = ("rater", "self-rater", "row", "side", "image", "pair", "prompt", "author")

_TABLES = """
CREATE TEMP TABLE release_key (purpose text PRIMARY KEY, inner_pad bytea, outer_pad bytea) ON COMMIT DROP;
CREATE TEMP TABLE release_person (id bigint PRIMARY KEY, reason text NOT NULL) ON COMMIT DROP
"""
# Flags of the newest rules that are in force, and those stored with an answer itself.
_FLAGS = """CREATE TEMP TABLE release_flag ON COMMIT DROP AS
SELECT ask_id, string_agg(DISTINCT flag, ' ') AS flags FROM (
  SELECT ask_id, flag FROM ratings_qualityflag
   WHERE lifted_at IS NULL AND version = (SELECT max(version) FROM ratings_qualityflag)
   UNION SELECT ask_id, unnest(quality_flags) FROM ratings_comparison WHERE quality_flags <> '{}') AS raised
 GROUP BY ask_id"""

_OF_CAMPAIGN = """{0}.id IN (SELECT own.ask_id FROM ratings_campaignask own
   JOIN ratings_campaign campaign ON campaign.id = own.campaign_id
   JOIN ratings_ask asked ON asked.id = own.ask_id
   JOIN ratings_campaignmember part ON part.campaign_id = campaign.id AND part.member_id = asked.rater_id
  WHERE campaign.slug = %s AND part.left_at IS NULL)"""


def is_campaign(slug: str) -> bool:
    """Whether there is a campaign of that name; the package above that knows campaigns cannot be imported here."""
    return bool(sql.fetch_all("SELECT EXISTS (SELECT FROM ratings_campaign WHERE slug = %s)", [slug])[0][0])


@dataclass
class Scope:
    """Use inside a transaction: the temporary tables end with it."""

    chosen: ReleaseFilter
    as_of: datetime
    secret: str
    release: str
    about: tuple[str, ...] = ABOUT_PICTURE + ABOUT_PAIR + ABOUT_SEVERAL  # only asks about these are read
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # temporary tables that formats share
    voted_on: str | None = None  # whose votes the tables of pairs hold: see `pair_votes.create_tables`

    def keys(self, table: str) -> Keys:
        return Keys(self.secret, self.release, table)

    def drop(self, kind: str, reason: str, rows: int = 1) -> None:
        self.dropped.setdefault(kind, Counter())[reason] += rows

    def since(self, table: str) -> tuple[str, list[Any]]:
        """SQL and parameters that select the rows of a ledger from the chosen day up to `as_of`."""
        condition, params = f"{table}.created_at <= %s", [self.as_of]
        if self.chosen.since:
            return f"{condition} AND ({table}.created_at AT TIME ZONE 'UTC')::date >= %s", [*params, self.chosen.since]
        return condition, params

    def of_asks(self, table: str = "ledger", ask: str = "ask") -> tuple[str, list[Any]]:
        """The same of a ledger whose rows belong to the asks `ask`: those of the chosen campaign, without members who
        left it, else those of no campaign.
        """
        condition, params = self.since(table)
        if self.chosen.campaign:
            return f"{condition} AND {_OF_CAMPAIGN.format(ask)}", [*params, self.chosen.campaign]
        return f"{condition} AND {ask}.surface <> '{Surface.CAMPAIGN}'", params

    def prepare(self) -> None:
        """Fills the temporary tables. Call once, inside a transaction."""
        # A range of rows is a short query: compiling it takes longer than running it.
        sql.execute("SET LOCAL jit = off")
        sql.execute("SET LOCAL work_mem = '64MB'")
        sql.execute(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.release_{name}' for name in TEMPORARY)}")
        sql.execute(_TABLES)
        sql.insert_from("release_person (id, reason)", self._members())
        pictures.create_table(self.chosen, self.as_of, self.secret, self.about)
        sql.execute(_FLAGS)
        sql.execute("ANALYZE release_person, release_flag")

    def use_keys(self, table: str) -> None:
        """Fills the temporary tables of keys and of raters' pseudonyms for one table of the release."""
        secret = (self.secret, "release", self.release, table)
        sql.execute("TRUNCATE release_key")
        sql.copy_rows("release_key", ((name, *pads(derived_key(*secret, name))) for name in PURPOSES))
        sql.execute("DROP TABLE IF EXISTS pg_temp.release_rater")
        own, other = (sql.number(purpose, sql.json_list("id")) for purpose in ("self-rater", "rater"))
        sql.execute(
            f"CREATE TEMP TABLE release_rater ON COMMIT DROP AS SELECT id, {other} AS key, {own} AS self_key"  # noqa: S608
            " FROM release_person WHERE reason = ''"
        )
        sql.execute("CREATE UNIQUE INDEX ON release_rater (id)")
        sql.execute("ANALYZE release_rater")

    def _members(self) -> "QuerySet[User, Any]":
        asked, voted = Ask.objects.filter(rater=OuterRef("pk")), PollVote.objects.filter(member=OuterRef("pk"))
        members: QuerySet[User, Any] = User.objects.filter(Exists(asked) | Exists(voted))
        members = members.annotate(reason=rater_reason(self.chosen, self.as_of))
        return members.values_list("pk", "reason")
