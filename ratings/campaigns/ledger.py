"""SQL of campaigns: what a member may still be asked about, and the statements that take an answer.

The conditions on pictures and members are those of `ratings.asking.ledger`, but for one: a picture of a campaign is
never published, so instead of its audience it is the member's part in the campaign that opens it.
"""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection

from accounts.models import User, level_for
from ratings.asking import ledger
from ratings.asking.models import Surface
from ratings.campaigns.design import Subject
from ratings.campaigns.models import Campaign

_SHOWN = "{0}.state = 'ready' AND {0}.deleted_at IS NULL AND {0}.content_level <= %(level)s"
_TAKES_PART = """EXISTS (
    SELECT FROM ratings_campaignask own JOIN ratings_campaign campaign ON campaign.id = own.campaign_id
      JOIN ratings_campaignmember part ON part.campaign_id = campaign.id AND part.member_id = ask.rater_id
     WHERE own.ask_id = ask.id AND campaign.state = 'open' AND campaign.starts_at <= %(at)s
       AND campaign.ends_at > %(at)s AND part.agreed_at IS NOT NULL AND part.left_at IS NULL)"""

RATE = ledger.rate_sql(f"ask.surface = 'campaign' AND {_SHOWN.format('image')} AND {_TAKES_PART}")
_BOTH_SHOWN = f"{_SHOWN.format('low')} AND {_SHOWN.format('high')} AND {_TAKES_PART}"
COMPARE = ledger.compare_sql(Surface.COMPARE, _BOTH_SHOWN)
ASPECT = ledger.compare_sql(Surface.ASPECT, _BOTH_SHOWN)

# How often each picture, or pair, was asked about, and whether this member was shown it.
_COUNTS = """
    SELECT {columns}, count(*) FILTER (WHERE a.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE a.outcome = 'open' AND a.expires_at > %(at)s) AS waiting,
        bool_or(a.rater_id = %(rater)s AND a.outcome <> 'not_rendered') AS is_seen
    FROM ratings_campaignask own JOIN ratings_ask a ON a.id = own.ask_id
    WHERE own.campaign_id = %(campaign)s GROUP BY {columns}"""
_LEFT = """coalesce(counts.answered, 0) < %(wanted)s AND NOT coalesce(counts.is_seen, false)"""
_LACKING = "greatest(0, %(wanted)s - coalesce(counts.answered, 0) - coalesce(counts.waiting, 0))"

PICTURES = f"""
SELECT image.id, image.id, {_LACKING}
FROM ratings_campaignpicture p JOIN generation_image image ON image.id = p.image_id
LEFT JOIN ({_COUNTS.format(columns="a.image_id")}) counts ON counts.image_id = image.id
WHERE p.campaign_id = %(campaign)s AND {_SHOWN.format("image")} AND {_LEFT} ORDER BY image.id
"""  # noqa: S608  # put together from constants

# Pictures of one prompt and seed by two checkpoints.
PAIRS = f"""
SELECT low.id, high.id, {_LACKING}
FROM ratings_campaignpicture p
JOIN ratings_campaignpicture q ON q.campaign_id = p.campaign_id AND q.prompt_id = p.prompt_id AND q.seed = p.seed
    AND q.image_id > p.image_id AND q.checkpoint_id <> p.checkpoint_id
JOIN generation_image low ON low.id = p.image_id
JOIN generation_image high ON high.id = q.image_id AND high.jpeg_sha256 <> low.jpeg_sha256
LEFT JOIN ({_COUNTS.format(columns="a.image_low_id, a.image_high_id")}) counts
    ON counts.image_low_id = low.id AND counts.image_high_id = high.id
WHERE p.campaign_id = %(campaign)s AND {_SHOWN.format("low")} AND {_SHOWN.format("high")} AND {_LEFT}
ORDER BY low.id, high.id
"""  # noqa: S608  # put together from constants

store_rating = partial(ledger.store_rating, statement=RATE)
store_comparison = partial(ledger.store_comparison, statement=COMPARE)
store_aspect = partial(ledger.store_comparison, statement=ASPECT)


def subjects_for(campaign: Campaign, rater: User, at: datetime) -> list[Subject]:
    """What `rater` was not shown yet and still lacks answers."""
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "rater": rater.pk,
        "level": int(level_for(rater)),
        "wanted": campaign.answers_wanted,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(PAIRS if campaign.is_about_pairs else PICTURES, values)
        return [Subject(*row) for row in cursor.fetchall()]
