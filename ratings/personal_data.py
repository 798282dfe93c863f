"""Ratings' part of “download my data” and “delete my account” (see accounts.hooks)."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from generation.models import Image
from lib.tasks import enqueue_on_commit
from ratings.asking.aspects.models import AspectComparison
from ratings.asking.counterparts import forget_counterparts
from ratings.asking.marks.models import RegionMark
from ratings.asking.models import Ask, Comparison, Rating
from ratings.asking.rankings.models import RankedPicture
from ratings.benchmarks.models import BenchmarkPicture
from ratings.campaigns.models import Campaign, CampaignMember, CampaignPicture
from ratings.quality.models import QualityAppeal, QualityFlag, RaterStanding
from ratings.releases.models import Release
from ratings.releases.services import forget_member

COVERED = frozenset(
    {
        "ratings.Ask.rater",
        "ratings.Ask.image",
        "ratings.Ask.image_low",
        "ratings.Ask.image_high",
        "ratings.Rating.rater",
        "ratings.Rating.image",
        "ratings.Comparison.rater",
        "ratings.Comparison.image_low",
        "ratings.Comparison.image_high",
        "ratings.Comparison.preferred",
        "ratings.AspectComparison.rater",
        "ratings.AspectComparison.image_low",
        "ratings.AspectComparison.image_high",
        "ratings.AspectComparison.preferred",
        "ratings.RankedPicture.image",
        "ratings.BenchmarkPicture.image",
        "ratings.Campaign.created_by",
        "ratings.CampaignMember.member",
        "ratings.CampaignPicture.image",
        "ratings.Release.created_by",
        "ratings.RaterStanding.rater",
        "ratings.QualityAppeal.rater",
        "ratings.QualityAppeal.answered_by",
    }
)


def export(user: User) -> dict[str, Any]:
    return {
        "asks": list(
            Ask.objects.filter(rater=user)
            .order_by("pk")
            .values(
                "public_id", "surface", "question__slug", "outcome", "created_at", "shown_at", "closed_at", "dwell_ms"
            )
        ),
        **_answers_of(user),
        "campaigns": list(
            CampaignMember.objects.filter(member=user)
            .order_by("pk")
            .values("campaign__slug", "campaign__title", "campaign__consent_text", "agreed_at", "left_at")
        ),
        "flags": list(
            QualityFlag.objects.filter(ask__rater=user, lifted_at=None)
            .order_by("pk")
            .values("ask__public_id", "version", "flag", "raised_at")
        ),
        "appeals": list(
            QualityAppeal.objects.filter(rater=user)
            .order_by("pk")
            .values("public_id", "text", "state", "answer", "created_at", "answered_at")
        ),
    }


def _answers_of(user: User) -> dict[str, list[dict[str, Any]]]:
    verdict = ("outcome", "preferred__public_id", "created_at")
    ratings = Rating.objects.filter(rater=user).order_by("pk")
    comparisons = Comparison.objects.filter(rater=user).order_by("pk")
    by_aspect = AspectComparison.objects.filter(rater=user).order_by("pk")
    marks = RegionMark.objects.filter(ask__rater=user).order_by("pk")
    ranked = RankedPicture.objects.filter(ask__rater=user, rank__isnull=False).order_by("ask", "place")
    return {
        "ratings": list(ratings.values("ask__public_id", "image__public_id", "question__slug", "value", "created_at")),
        "comparisons": list(comparisons.values("ask__public_id", *verdict)),
        "comparisons_by_aspect": list(by_aspect.values("ask__public_id", "question__slug", *verdict)),
        "marks": list(marks.values("ask__public_id", "number", "x", "y", "word", "created_at")),
        "rankings": list(ranked.values("ask__public_id", "image__public_id", "place", "rank", "created_at")),
    }


def erase(user: User) -> None:
    """Deletes the member's asks with their answers, and every ask about their pictures."""
    rated = list(Rating.objects.filter(rater=user).values_list("image", flat=True).distinct())
    Ask.objects.filter(rater=user).delete()
    RaterStanding.objects.filter(rater=user).delete()
    QualityAppeal.objects.filter(rater=user).delete()
    QualityAppeal.objects.filter(answered_by=user).update(answered_by=None)
    Ask.objects.about_images(Image.objects.filter(author=user).values_list("pk", flat=True)).delete()
    forget_member(user)
    forget_counterparts(Image.objects.filter(generation__parent__author=user), at=timezone.now())
    Release.objects.filter(created_by=user).update(created_by=None)
    BenchmarkPicture.objects.filter(image__author=user).update(image=None)
    CampaignPicture.objects.filter(image__author=user).update(image=None)
    CampaignMember.objects.filter(member=user).delete()
    Campaign.objects.filter(created_by=user).update(created_by=None)
    enqueue_on_commit("ratings.refresh_aspects_of", rated)
