"""Nothing about a member is forgotten when they ask for it or ask us to forget it."""

import pytest
from django.apps import apps
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts import services
from accounts.hooks import personal_data
from accounts.models import User

WATCHED = {"accounts.User", "generation.Image"}


def test_every_foreign_key_to_a_member_or_an_image_is_covered_by_a_hook() -> None:
    covered = set[str]().union(*(part.COVERED for part in personal_data().values()))
    keys = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=False)
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None
        and not isinstance(field.related_model, str) and field.related_model._meta.label in WATCHED
    }  # fmt: skip
    assert keys - covered == set()


@pytest.mark.django_db
def test_an_app_that_fails_to_erase_keeps_the_whole_account(alice: User, settings: Settings) -> None:
    services.record_consent(user=alice, purpose="train", granted=True)
    settings.PERSONAL_DATA = ["tests.accounts.broken_personal", "moderation.personal_data"]
    with pytest.raises(RuntimeError), transaction.atomic():
        services.delete_account(user=alice)
    alice.refresh_from_db()
    assert (alice.username, alice.deleted_at) == ("alice", None)
