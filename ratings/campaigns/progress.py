"""The figures of a campaign so far: means, or which checkpoint is preferred, with 95 % intervals; and how far it is.

Answers with a quality flag and those of members who left are left out. A mean weighs every answer alike: the design
gives every picture the same number of answers, chosen by the number of answers alone, so there is nothing to weigh
back; only the cap on one rater's weight applies.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from generation.parameters import model_sql
from ratings.asking.models import AskOutcome
from ratings.campaigns.imports.models import ImportedPicture
from ratings.campaigns.models import Campaign, CampaignMember, CampaignPicture
from ratings.research.reports import model_comparisons
from ratings.research.reports.flags import IN_FORCE, UNFLAGGED
from ratings.research.statistics import (
    Clusters,
    agreement,
    cap_rater_weights,
    response_interval,
    two_way_interval,
)

_COUNTED = f"""ratings_campaignask own JOIN ratings_ask a ON a.id = own.ask_id
JOIN ratings_campaignmember part ON part.campaign_id = own.campaign_id AND part.member_id = a.rater_id
    AND part.left_at IS NULL AND {UNFLAGGED}"""

RATINGS_SQL = f"""
SELECT {model_sql("c")}, p.image_id, a.rater_id, r.value
FROM {_COUNTED} JOIN ratings_rating r ON r.ask_id = a.id
JOIN ratings_campaignpicture p ON p.image_id = r.image_id JOIN generation_checkpoint c ON c.id = p.checkpoint_id
WHERE own.campaign_id = %(campaign)s ORDER BY r.id
"""  # noqa: S608  # put together from constants

# The columns of `model_comparisons.votes_from_rows`.
VOTES_SQL = f"""
SELECT {model_sql("cl")}, {model_sql("ch")}, pl.prompt_id, a.rater_id,
       CASE WHEN v.preferred_id = v.image_low_id THEN 1.0 WHEN v.preferred_id = v.image_high_id THEN 0.0
            WHEN v.outcome = 'tie' THEN 0.5 END,
       a.is_side_swapped
FROM {_COUNTED} JOIN ratings_comparison v ON v.ask_id = a.id
JOIN ratings_campaignpicture pl ON pl.image_id = v.image_low_id
JOIN ratings_campaignpicture ph ON ph.image_id = v.image_high_id
JOIN generation_checkpoint cl ON cl.id = pl.checkpoint_id JOIN generation_checkpoint ch ON ch.id = ph.checkpoint_id
WHERE own.campaign_id = %(campaign)s ORDER BY v.id
"""  # noqa: S608  # put together from constants
ASPECT_VOTES_SQL = VOTES_SQL.replace("ratings_comparison", "ratings_aspectcomparison")

FLAGGED_SQL = f"""
SELECT count(DISTINCT a.id) FROM ratings_campaignask own JOIN ratings_ask a ON a.id = own.ask_id
JOIN ratings_qualityflag f ON f.ask_id = a.id AND {IN_FORCE}
WHERE own.campaign_id = %(campaign)s AND a.outcome = 'answered'
"""  # noqa: S608  # put together from constants


def progress_of(campaign: Campaign, at: datetime | None = None) -> dict[str, Any]:
    """Everything that the researcher's page shows, computed now from the ledger."""
    at = at or timezone.now()
    figures = _preferences(campaign) if campaign.is_about_pairs else _means(campaign)
    return {"at": at, "pictures": count_pictures(campaign), **_asks(campaign), **figures}


def count_pictures(campaign: Campaign) -> list[dict[str, Any]]:
    """Of each checkpoint, how many of its planned pictures are there, and how many never will be."""
    rows: dict[str, dict[str, Any]] = {}
    found = CampaignPicture.objects.filter(campaign=campaign)
    for slug, name, image, failure in found.values_list("checkpoint__slug", "checkpoint__name", "image", "failure"):
        row = rows.setdefault(slug, {"slug": slug, "name": name, "there": 0, "missing": 0, "waiting": 0, "planned": 0})
        row["planned"] += 1
        row["there" if image else "missing" if failure else "waiting"] += 1
    return sorted(rows.values(), key=lambda row: str(row["name"]))


def refused_imports(campaign: Campaign) -> "QuerySet[ImportedPicture]":
    """Pictures of its archive that never will be there; `picture.failure` says why."""
    found = ImportedPicture.objects.filter(picture__campaign=campaign).exclude(picture__failure="")
    return found.select_related("picture").order_by("line")


def _asks(campaign: Campaign) -> dict[str, Any]:
    """Asks by outcome, the response rate with its interval, who takes part, and answers had of those wanted."""
    outcomes = dict(campaign.asks.order_by().values_list("outcome").annotate(n=Count("pk")))
    answered, asks = outcomes.get(AskOutcome.ANSWERED.value, 0), sum(outcomes.values())
    low, high = response_interval(answered, asks) if asks else (None, None)
    members = CampaignMember.objects.filter(campaign=campaign, agreed_at__isnull=False)
    wanted = _count_subjects(campaign) * campaign.answers_wanted
    return {
        "asks": asks,
        "answered": answered,
        "skipped": outcomes.get(AskOutcome.SKIPPED.value, 0),
        "rate": {"value": answered / asks, "low": low, "high": high} if asks else None,
        "members": members.filter(left_at=None).count(),
        "left": members.filter(left_at__isnull=False).count(),
        "flagged": int(_fetch(FLAGGED_SQL, campaign)[0][0]),
        "wanted": wanted,
        "share": min(1.0, answered / wanted) if wanted else 0.0,
    }


def _count_subjects(campaign: Campaign) -> int:
    """Pictures, or pairs of two checkpoints from one prompt and seed, that are there."""
    there = CampaignPicture.objects.filter(campaign=campaign, image__isnull=False)
    if not campaign.is_about_pairs:
        return there.count()
    by_prompt = there.order_by().values_list("prompt", "seed").annotate(n=Count("pk"))
    return sum(n * (n - 1) // 2 for _prompt, _seed, n in by_prompt)


def _fetch(statement: str, campaign: Campaign) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"campaign": campaign.pk})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _means(campaign: Campaign) -> dict[str, Any]:
    """The mean answer of each checkpoint, the best first, and Krippendorff's alpha over pictures rated twice."""
    by_checkpoint: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    chosen: dict[int, list[int]] = defaultdict(lambda: [0] * 5)
    unsure = 0
    for checkpoint, image, rater, value in _fetch(RATINGS_SQL, campaign):
        if value is None:
            unsure += 1
            continue
        by_checkpoint[checkpoint].append((image, rater, value))
        chosen[image][value - 1] += 1
    rows = [{"model": name, **mean_of(answers)} for name, answers in by_checkpoint.items()]
    alpha = agreement([counts for counts in chosen.values() if sum(counts) > 1], level="ordinal")
    return {"means": sorted(rows, key=lambda row: -row["mean"]), "cant_tell": unsure, "alpha": alpha}


def mean_of(answers: list[tuple[int, int, int]]) -> dict[str, Any]:
    """The mean of (picture, rater, value) with a 95 % interval clustered both ways; None where too few to read."""
    pictures, raters, values = (np.array(column) for column in zip(*answers, strict=True))
    rater = np.unique(raters, return_inverse=True)[1]
    picture = np.unique(pictures, return_inverse=True)[1]
    weight = cap_rater_weights(np.bincount(rater).astype(float))[rater]
    total = weight.sum()
    mean = float((weight * values).sum() / total)
    by_rater = Clusters.of(np.bincount(rater, weight * values), np.bincount(rater, weight))
    by_picture = Clusters.of(np.bincount(picture, weight * values), np.bincount(picture, weight))
    n = len(values)
    by_answer = ((weight * (values - mean)) ** 2).sum() / total**2 * n / max(n - 1, 1)
    low, high = (float(end) for end in two_way_interval(mean, by_rater, by_picture, by_answer))
    is_known = bool(np.isfinite(low))
    return {
        "mean": mean,
        "low": max(1.0, low) if is_known else None,
        "high": min(5.0, high) if is_known else None,
        "answers": n,
        "raters": int(rater.max()) + 1,
        "pictures": int(picture.max()) + 1,
        "effective_raters": float(np.asarray(by_rater.effective)),
        "effective_pictures": float(np.asarray(by_picture.effective)),
    }


def _preferences(campaign: Campaign) -> dict[str, Any]:
    statement = ASPECT_VOTES_SQL if campaign.question.is_by_aspect else VOTES_SQL
    votes = model_comparisons.votes_from_rows(_fetch(statement, campaign))
    return {
        "board": model_comparisons.leaderboard(votes),
        "comparisons": model_comparisons.comparisons(votes),
        "position": model_comparisons.position(votes),
    }
