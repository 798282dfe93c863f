"""Campaigns about pictures of other models: from an archive to the rows of a release."""

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from config.observability.site_numbers import _queues
from generation.media import encoding, garbage, storage
from generation.models import Checkpoint, Generation, Image, ImageState
from lib.errors import Refused
from moderation.models import Screening
from ratings import tasks
from ratings.benchmarks.services import enabled_checkpoints
from ratings.campaigns import services
from ratings.campaigns.imports import pictures
from ratings.campaigns.imports.archives import open_zip
from ratings.campaigns.pictures import account_of_campaigns
from ratings.campaigns.progress import progress_of
from ratings.models import Campaign, CampaignArchive, CampaignPicture, ImportedPicture
from ratings.releases.publishing.verification import verify_release
from tests import processes
from tests.conftest import As
from tests.generation.requests import submit
from tests.ratings.answers import consent, refusal
from tests.ratings.campaigns.archives import archive_of, import_plan, pixels, rows_of
from tests.ratings.campaigns.example_campaigns import answer_all
from tests.ratings.campaigns.test_campaign_pages import FORM, NEW
from tests.ratings.releases.community import prompts_of
from tests.ratings.releases.folders import build, every_row
from tests.services import ROOT

MODELS = ("Model A", "lab/model-b")
FORBIDDEN = "child porn"


def send(client: Client, archive: Any, **changes: Any) -> Campaign:
    fields = {
        **FORM,
        "prompts": "",
        "checkpoints": [],
        "size": "",
        "listed": "",
        "archive": archive,
        "licence": "CC-BY-4.0",
    }
    answer = client.post(NEW, {**fields, **changes})
    assert answer.status_code == 302, answer.context["form"].errors
    return Campaign.objects.latest("pk")


def time_passes() -> None:
    """Claims run out."""
    ImportedPicture.objects.update(not_before=timezone.now())


@pytest.mark.django_db
def test_an_archive_becomes_a_campaign_and_its_release_has_what_was_imported(
    rita: User, bob: User, as_user: As, s3_storage: None, tmp_path: Path
) -> None:
    consent(bob)
    prompts = [*prompts_of("train", 2, "dog"), *prompts_of("validation", 1, "dog")]
    rows = [*rows_of(MODELS, prompts, seeds=(7, 2**40)), *rows_of(["Model A"], [FORBIDDEN])]
    rows[-1]["file_name"] = "pictures/refused.png"
    client = as_user(rita)
    campaign = send(client, archive_of(rows, "set/"), question="lighting")
    other = send(client, archive_of(rows[:-1]), question="preference", title="Pairs")
    assert (campaign.state, campaign.pictures.count()) == (Campaign.State.IMPORTING, 13)
    assert pictures.importing_campaigns(timezone.now()) == [campaign.pk, other.pk]
    while importing := pictures.importing_campaigns(timezone.now()):
        tasks.import_campaign_pictures(importing[0])
    for each in (campaign, other):
        each.refresh_from_db()
        services.open_campaign(campaign=each)
    tasks.advance_campaigns()
    assert not CampaignArchive.objects.exists()
    assert default_storage.listdir("campaigns")[1] == []
    shown = progress_of(campaign)["pictures"]
    assert [(row["name"], row["there"], row["missing"], row["planned"]) for row in shown] == [
        ("Model A", 6, 1, 7),
        ("lab/model-b", 6, 0, 6),
    ]
    page = client.get(reverse("ratings:campaign-detail", args=[campaign.slug])).content.decode()
    assert ("refused.png" in page, "CC-BY-4.0" in page, "As imported" in page) == (True, True, True)
    assert Screening.objects.get(verdict=Screening.Verdict.REJECT).author == rita

    answer_all(campaign, bob, lambda _ask: 4)
    assert answer_all(other, bob, lambda _ask: "left")
    assert {row["model"] for row in progress_of(campaign)["means"]} == set(MODELS)
    others = CampaignPicture.objects.filter(campaign=other).values("checkpoint")
    Checkpoint.with_imported.filter(pk__in=others).update(licence="CC0-1.0")
    folder = tmp_path / "salon-pickapic-imported"
    build(folder, ("ratings", "asks", "images"), campaign=campaign.slug, with_simulated=False)
    found = every_row(folder, "images")
    assert {(row["model"], row["caption"], row["seed"]) for row in found} == {
        (row["model"], row["prompt"], row["seed"]) for row in rows[:-1]
    }
    files = {(row["model"], row["prompt"], row["seed"]): row["file_name"] for row in rows}
    for row in found:
        name = files[row["model"], row["caption"], row["seed"]]
        assert row["image"] == encoding.training_jpeg(pixels(name)), name
    assert len(every_row(folder, "ratings")) == 12
    assert verify_release(folder).problems == []
    assert "| Model A | CC-BY-4.0 |\n| lab/model-b | CC-BY-4.0 |\n\n" in (folder / "README.md").read_text("utf-8")
    pairs = tmp_path / "salon-pickapic-pairs"
    build(pairs, ("pairs", "votes"), campaign=other.slug)
    assert {frozenset((row["model_0"], row["model_1"])) for row in every_row(pairs, "pairs")} == {frozenset(MODELS)}


@pytest.mark.django_db
def test_imported_models_are_offered_nowhere_and_cost_nothing(
    rita: User, mod: User, as_user: As, tiny_checkpoint: Checkpoint, make_member: Any
) -> None:
    before = [sample.labels for sample in _queues()[0].samples]
    made = services.create_campaign(plan=import_plan(rows_of(["Zebra-1"], ["a fox"])), created_by=rita)
    assert pictures.import_pictures(campaign=made, seconds=100)
    Checkpoint.with_imported.update(is_enabled=True)  # whatever an administrator does
    row = Checkpoint.with_imported.get(name="Zebra-1")
    image = Image.objects.get()
    assert (image.state, image.is_public, image.author) == (ImageState.READY, False, account_of_campaigns())
    client = as_user(rita)
    places = ["/create/", "/models/", "/search/", "/", "/api/checkpoints/", "/api/", NEW, "/research/releases/new/"]
    for place in places:
        page = client.get(place)
        assert page.status_code == 200, place
        assert ("Zebra-1" in page.content.decode(), row.slug in page.content.decode()) == (False, False), place
    assert client.get(f"/models/{row.slug}/").status_code == 404
    for refused in (
        lambda: submit(rita, checkpoint=row.slug, idempotency_key="x"),
        lambda: enabled_checkpoints([row.slug]),
    ):
        with pytest.raises(Refused):
            refused()
    assert [sample.labels for sample in _queues()[0].samples] == before
    charged = Image.objects.charged(image.author, made.created_at - timedelta(days=1))
    assert charged.aggregate(cost=Sum("cost_units"))["cost"] == 0
    assert as_user(mod).get(f"/api/images/{image.public_id}/").json()["seed"] == 7


@pytest.mark.django_db
def test_a_store_that_is_away_puts_importing_off_and_costs_no_picture(rita: User, media: Path) -> None:
    made = services.create_campaign(plan=import_plan(rows_of(MODELS, ["a fox"])), created_by=rita)
    (media / "images").write_text("a file where a folder must be: every write fails")
    for _try in range(pictures.MOST_ATTEMPTS + 1):
        assert not pictures.import_pictures(campaign=made, seconds=100)
        time_passes()
    made.refresh_from_db()
    assert "store does not answer" in made.notice
    (media / "images").unlink()
    assert pictures.import_pictures(campaign=made, seconds=100)
    made.refresh_from_db()
    assert (made.state, made.notice, made.pictures.filter(image=None).count()) == ("ready", "", 0)


@pytest.mark.django_db
def test_what_cannot_be_decoded_or_checked_is_counted_and_ends(rita: User, settings: Settings) -> None:
    rows = rows_of(MODELS, ["a fox"])
    cut = archive_of(rows, files={rows[0]["file_name"]: b"\x89PNG\r\n\x1a\n, and no more"})
    settings.MODERATION_IMAGE_CHECKERS = ["tests.generation.queue.test_upload_checks.breaks"]
    made = services.create_campaign(plan=import_plan(rows, archive=cut), created_by=rita)
    for _try in range(pictures.MOST_ATTEMPTS):
        pictures.import_pictures(campaign=made, seconds=100)
        time_passes()
    made.refresh_from_db()
    assert made.state == Campaign.State.READY
    failures = dict(CampaignPicture.objects.values_list("checkpoint__name", "failure"))
    assert "damaged" in failures["Model A"]
    assert failures["lab/model-b"]
    assert (Image.objects.count(), Generation.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_an_ended_campaign_imports_nothing_more_and_its_archive_goes(rita: User, media: Path) -> None:
    made = services.create_campaign(plan=import_plan(rows_of(MODELS, ["a fox"])), created_by=rita)
    abandoned = CampaignArchive.objects.create(file="campaigns/x.zip", created_at=timezone.now())
    assert pictures.delete_archives() == 0
    services.end_campaign(campaign=made)
    assert not pictures.import_pictures(campaign=made, seconds=100)
    assert pictures.delete_archives() == 1
    assert not [path for path in media.rglob("*") if path.is_file()]
    assert pictures.delete_archives(at=abandoned.created_at + timedelta(hours=2)) == 1
    assert not Image.objects.exists()


KILLED = """
import os, signal, django
django.setup()
from django.db import connection
from django.db.models import Sum
from ratings.models import Campaign
from ratings.campaigns.imports.pictures import import_pictures
seen = []
def kill_in_the_third(execute, sql, *rest):
    seen.extend([sql] if sql.startswith('UPDATE "ratings_campaignpicture"') else [])
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, *rest)
with connection.execute_wrapper(kill_in_the_third):
    import_pictures(campaign=Campaign.objects.get(), seconds=100)
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_goes_on_where_it_was_and_two_at_once_double_nothing(
    rita: User, media: Path, tmp_path: Path
) -> None:
    rows = rows_of(MODELS, ["a fox", "a cat", "a dog"])
    made = services.create_campaign(plan=import_plan(rows), created_by=rita)
    done = subprocess.run([sys.executable, "-c", KILLED], env=processes.environ(VAR_DIR=str(tmp_path)), cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert Image.objects.count() == 2  # the files of the third are there, its rows are not
    assert len(storage.folders("images")) == 3
    assert not pictures.import_pictures(campaign=made, seconds=0.0)
    time_passes()
    slow = pictures._claim(made, timezone.now()) or ImportedPicture()
    time_passes()
    _in_two_threads(made)
    with storage.open_file(CampaignArchive.objects.get().file) as file, open_zip(file) as opened:
        pictures._import(slow, opened, account_of_campaigns())  # a claim that ran out while its worker was busy
    made.refresh_from_db()
    assert (made.state, Image.objects.count(), Generation.objects.count()) == (Campaign.State.READY, 6, 6)
    assert CampaignPicture.objects.filter(image=None).count() == 0
    garbage.collect_garbage(first_id=0, at=timezone.now() + timedelta(hours=2))
    assert [storage.folders(f"images/{image.pk}") for image in Image.objects.all()] == [
        [str(image.lease_no)] for image in Image.objects.all()
    ]
    assert len(storage.folders("images")) == 6


def _in_two_threads(campaign: Campaign) -> None:
    def run() -> None:
        try:
            pictures.import_pictures(campaign=campaign, seconds=100)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db
def test_archives_are_limited_a_day(rita: User) -> None:
    for _ in range(services.ARCHIVES_A_DAY):
        services.create_campaign(plan=import_plan(rows_of(MODELS, ["a fox"])), created_by=rita)
    found = refusal(services.create_campaign, plan=import_plan(rows_of(MODELS, ["a fox"])), created_by=rita)
    assert found.status == 429
