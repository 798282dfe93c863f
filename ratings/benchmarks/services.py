"""Registers a benchmark, has its pictures generated, and opens voting."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Checkpoint, Image, ImageState
from lib.errors import Refused
from ratings.benchmarks.models import Benchmark, BenchmarkEntry, BenchmarkPicture, PromptSet
from ratings.benchmarks.pictures import ask_for_picture, ask_for_wave, attach_images
from ratings.research.reports.model_comparisons import RATER_CAP
from ratings.site_account import site_account

AUTHOR = "benchmark"  # the account that asks for the pictures; nobody can sign in to it
BATCH = 1_000
Wait = Callable[[Sequence[int]], None]  # returns when the images of these generations are made


@transaction.atomic
def register_benchmark(
    *,
    slug: str,
    title: str,
    prompt_set: PromptSet,
    checkpoints: Sequence[str],
    seeds: Sequence[int],
    size: tuple[int, int],
    votes_a_pair: int,
    closes_at: datetime,
    at: datetime | None = None,
) -> Benchmark:
    """Stores the protocol before any picture is generated. Idempotent for the same slug and protocol.

    The first registration sets the end of voting, to the second; `closes_at` of a later call changes nothing.

    Raises Refused: fewer than two checkpoints, unknown ones, no seed, a number of votes below 1, an end in the past;
    "other_protocol" (409) where the slug is registered with other prompts, checkpoints, seeds, size or votes.
    """
    at = at or timezone.now()
    chosen = enabled_checkpoints(checkpoints)
    if len(chosen) < 2 or not seeds or votes_a_pair < 1:
        raise Refused("bad_protocol", _("A benchmark needs two checkpoints or more, a seed, and a number of votes."))
    ends = closes_at.astimezone(UTC).replace(microsecond=0)
    protocol = protocol_of(prompt_set, chosen, sorted(seeds), size, votes_a_pair, ends)
    if (earlier := _registered(slug, protocol)) is not None:
        return earlier
    if ends <= at:
        raise Refused("bad_protocol", _("Voting must end in the future."))
    width, height = size
    plan = {"seeds": sorted(seeds), "width": width, "height": height, "votes_a_pair": votes_a_pair, "closes_at": ends}
    benchmark = Benchmark.objects.create(
        slug=slug, title=title or slug, prompt_set=prompt_set, protocol=protocol, registered_at=at, **plan
    )
    entries = [BenchmarkEntry(benchmark=benchmark, checkpoint=row) for row in chosen]
    _plan_pictures(benchmark, BenchmarkEntry.objects.bulk_create(entries))
    return benchmark


def enabled_checkpoints(slugs: Sequence[str]) -> list[Checkpoint]:
    """The checkpoints of these slugs, in their order; raises Refused for one that is unknown or not enabled."""
    rows = {row.slug: row for row in Checkpoint.objects.enabled().filter(slug__in=slugs)}
    unknown = [slug for slug in slugs if slug not in rows]
    if unknown:
        raise Refused("unknown_checkpoint", _("No such checkpoint: %(names)s.") % {"names": ", ".join(unknown)})
    return [rows[slug] for slug in sorted(rows)]


def _registered(slug: str, protocol: dict[str, Any]) -> Benchmark | None:
    """What is registered under the name. Raises Refused (409) where that is something else."""
    earlier = Benchmark.objects.filter(slug=slug).first()
    if earlier is not None and _asked_for(earlier.protocol) != _asked_for(protocol):
        message = _("“%(slug)s” is registered with another protocol, which stands. Choose another name.")
        raise Refused("other_protocol", message % {"slug": slug}, status=409)
    return earlier


def _asked_for(protocol: dict[str, Any]) -> list[object]:
    """What every run of the command names again and must find as registered.

    Not the end, which is counted from the day of the first run, nor the analysis, which no caller chooses.
    """
    return [
        *(protocol[name] for name in ("prompt_set", "checkpoints", "seeds", "size")),
        protocol["stopping"]["votes_a_pair"],
    ]


def protocol_of(
    prompt_set: PromptSet,
    checkpoints: Sequence[Checkpoint],
    seeds: Sequence[int],
    size: tuple[int, int],
    votes: int,
    closes_at: datetime,
) -> dict[str, Any]:
    """All that somebody else needs to run the same benchmark, as JSON."""
    return {
        "prompt_set": {"name": prompt_set.name, "sha256": prompt_set.sha256},
        "checkpoints": [
            {"slug": row.slug, "name": row.name, "revision": row.revision, "sha256": row.sha256,
             "steps": row.default_steps, "guidance": row.default_guidance, "scheduler": row.schedulers[0],
             "licence": row.licence}
            for row in checkpoints
        ],
        "seeds": list(seeds),
        "size": list(size),
        "question": "preference",
        "stopping": {"votes_a_pair": votes, "closes_at": closes_at.isoformat()},
        "analysis": {
            "model": "Bradley-Terry, a tie half a win, both bad left out",
            "interval": "95 %, clustered by rater and by prompt (jackknife, the larger way), t",
            "rater_cap": RATER_CAP,
            "left_out": [
                "hidden checks", "repeats", "answers with a quality flag", "raters who are the author",
                "raters who do not agree to public benchmarks when the results are worked out",
            ],
        },
    }  # fmt: skip


def _plan_pictures(benchmark: Benchmark, entries: Sequence[BenchmarkEntry]) -> None:
    prompts = list(benchmark.prompt_set.prompts.order_by("number").values_list("pk", flat=True))
    rows = (
        BenchmarkPicture(entry=entry, prompt_id=prompt, seed=seed)
        for prompt in prompts
        for seed in benchmark.seeds
        for entry in entries
    )
    BenchmarkPicture.objects.bulk_create(rows, batch_size=BATCH)


def generate_pictures(*, benchmark: Benchmark, wait: Wait, advance: Callable[[int], None]) -> None:
    """Asks for every picture that is not there yet, in waves as large as the queue takes, and waits for each wave.

    What the site's rules refuse stays without a picture and says why. Raises Refused where the budget of the day is
    spent (DAILY_COST_UNITS=0 lifts it for one command); the same command goes on later.
    """
    author = site_account(AUTHOR)
    missing = BenchmarkPicture.objects.filter(entry__benchmark=benchmark, image=None, failure="").order_by("pk")
    while wave := list(missing.select_related("prompt", "entry__checkpoint")[:BATCH]):
        asked, refusal = ask_for_wave(wave, lambda picture: _ask_for(picture, benchmark, author))
        advance(sum(bool(picture.failure) for picture in wave))
        if refusal is not None and not (asked and refusal.code == "too_many_pending"):
            raise refusal
        wait([generation for _picture, generation in asked])
        attach_images(asked)
        advance(len(asked))


def _ask_for(picture: BenchmarkPicture, benchmark: Benchmark, author: User) -> int:
    size = (benchmark.width, benchmark.height)
    key = f"benchmark-{picture.pk}"
    return ask_for_picture(picture, key=key, checkpoint=picture.entry.checkpoint, size=size, author=author)


@transaction.atomic
def open_voting(*, benchmark: Benchmark, at: datetime | None = None) -> bool:
    """Opens voting once every picture is ready or known to be missing; returns whether voting was opened.

    The pictures become public without a post: Compare may show them, no list does.
    """
    pictures = BenchmarkPicture.objects.filter(entry__benchmark=benchmark)
    if pictures.filter(image=None, failure="").exists():
        return False
    opened = Benchmark.objects.filter(pk=benchmark.pk, state=Benchmark.State.GENERATING).update(
        state=Benchmark.State.VOTING, opened_at=at or timezone.now()
    )
    if opened:
        shown = Image.objects.filter(benchmark_picture__in=pictures, state=ImageState.READY, deleted_at=None)
        shown.update(is_public=True)
    benchmark.refresh_from_db()
    return benchmark.state != Benchmark.State.GENERATING
