"""Sampling policies in the hands of staff, and wordings in other languages."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from accounts.models import Role, User
from generation.models import Image
from lib.errors import Refused
from ratings.asking.policies.activity import recent_activity
from ratings.asking.policies.forecast import Activity, forecast
from ratings.asking.policies.services import activate_policy, discard_policy, save_policy
from ratings.asking.questions.services import reword_question
from ratings.asking.sampling import Parameters
from ratings.asking.services import draw_ask, draw_comparison
from ratings.models import Ask, DrawCount, Policy, Question, QuestionTranslation
from tests.conftest import As, MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.conftest import ALWAYS, Publish

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = {"p_ask": {"result": 0.1, "post": 0.0}, "strategies": {"seed": 1.0}}


@pytest.fixture
def staff(make_member: MakeMember) -> User:
    return make_member("stella", Role.STAFF)


@pytest.fixture(autouse=True)
def _chosen_here(settings: Settings) -> None:
    settings.ASK_POLICY_VERSION = 0


# The preview


def chances(members: int, a_day: int, days: int = 7) -> Activity:
    times = [NOW + timedelta(days=day, hours=24 / a_day * n) for day in range(days) for n in range(a_day)]
    return Activity(days=days, chances={member: [(at, "result") for at in times] for member in range(members)})


def test_without_a_limit_the_forecast_is_chances_times_probability() -> None:
    free = Parameters(p_ask={"result": 0.2}, asks_per_day=1000, minutes_between=0)
    found = forecast(free, chances(50, 4), rng=random.Random(1))
    assert found.asks["result"] == pytest.approx(40, rel=0.05)
    assert (found.draws, found.members, found.at_limit) == (200, 50, 0)


def test_the_forecast_keeps_the_limits_of_every_member() -> None:
    certain = Parameters(p_ask={"result": 1.0}, asks_per_day=3, minutes_between=0)
    found = forecast(certain, chances(10, 24), rng=random.Random(1))
    assert found.asks["result"] == pytest.approx(30, rel=0.1)
    assert found.at_limit == pytest.approx(21 / 24, abs=0.02)


def test_members_who_dismiss_are_asked_less() -> None:
    policy = Parameters(p_ask={"result": 1.0}, asks_per_day=3)
    answering, dismissing = chances(10, 6), chances(10, 6)
    object.__setattr__(dismissing, "outcomes", {"dismissed": 1.0})
    asked = [forecast(policy, each, rng=random.Random(1)).total for each in (answering, dismissing)]
    assert asked[1] < asked[0] / 3


def test_some_members_stand_for_all_of_a_busy_site() -> None:
    half = Activity(days=1, chances={1: [(NOW, "result")]}, share=0.5)
    found = forecast(Parameters(p_ask={"result": 1.0}), half, rng=random.Random(1))
    assert (found.total, found.members, found.draws) == (2, 2, 2)


def test_last_weeks_pictures_and_looks_are_the_chances(alice: User, bob: User, publish: Publish) -> None:
    image = publish(alice)
    Image.objects.update(ready_at=timezone.now() - timedelta(days=1))
    at = timezone.now()
    DrawCount.objects.count_draw(Policy.objects.current(), timezone.localdate(at), "post", "new/first", 0.05, "")
    found = recent_activity(at=at, rng=random.Random(1))
    assert sorted(surface for events in found.chances.values() for _, surface in events) == ["post", "result"]
    assert found.chances.keys() == {image.author_id}
    assert forecast(Parameters.from_json(ALWAYS), found, rng=random.Random(1)).total == pytest.approx(2 / 7)


# Writing and putting in force


def test_a_draft_may_change_until_something_was_drawn_by_it(staff: User, alice: User, make_image: MakeImage) -> None:
    draft = save_policy(member=staff, parameters=ALWAYS, note="ask always")
    save_policy(member=staff, parameters={**ALWAYS, "asks_per_day": 7}, version=draft.version)
    activate_policy(member=staff, policy=draft)
    assert draw_ask(surface="result", image=make_image(alice), rater=alice)
    draft.refresh_from_db()
    assert draft.parameters["asks_per_day"] == 7
    for call in (
        lambda: save_policy(member=staff, parameters=ALWAYS, version=draft.version),
        lambda: discard_policy(member=staff, policy=draft),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert (caught.value.code, caught.value.status) == ("policy_used", 409)
    with pytest.raises(IntegrityError, match="has drawn and stays"), transaction.atomic():
        Policy.objects.filter(pk=draft.pk).update(parameters=NUMBERS)
    Policy.objects.filter(pk=draft.pk).update(note="the note may change")


def test_one_policy_is_in_force_and_the_settings_come_first(staff: User, settings: Settings) -> None:
    before, draft = Policy.objects.current(), save_policy(member=staff, parameters=NUMBERS)
    activate_policy(member=staff, policy=draft)
    assert Policy.objects.current() == draft
    activate_policy(member=staff, policy=before)
    assert Policy.objects.get(is_active=True) == before
    settings.ASK_POLICY_VERSION = draft.version
    with pytest.raises(Refused) as caught:
        activate_policy(member=staff, policy=draft)
    assert caught.value.code == "policy_fixed"


@pytest.mark.parametrize("numbers", [{}, {"p_ask": {}, "chance": 1}, {"p_ask": {"post": 2}}, {"p_ask": 3}])
def test_numbers_that_make_no_policy_are_refused(staff: User, numbers: dict[str, Any]) -> None:
    count = Policy.objects.count()
    with pytest.raises(Refused) as caught:
        save_policy(member=staff, parameters=numbers)
    assert caught.value.status == 400
    assert Policy.objects.count() == count


def test_researchers_read_policies_and_staff_change_them(staff: User, rita: User, bob: User, as_user: As) -> None:
    version = Policy.objects.current().version
    listed, new = reverse("ratings:policies"), reverse("ratings:policy-new", args=[version])
    for path in (listed, new):
        assert as_user(staff).get(path).status_code == 200
        assert as_user(bob).get(path).status_code == 404
    read = as_user(rita).get(listed)
    assert "asks_per_day" in read.content.decode()
    assert new not in read.content.decode()
    assert as_user(rita).get(new).status_code == 404
    assert as_user(rita).post(reverse("ratings:policy-activate", args=[version])).status_code == 404
    with pytest.raises(Refused) as caught:
        save_policy(member=rita, parameters=NUMBERS)
    assert caught.value.status == 404


def test_staff_preview_save_and_put_in_force_what_they_typed(staff: User, as_user: As) -> None:
    client, start = as_user(staff), Policy.objects.current()
    new = reverse("ratings:policy-new", args=[start.version])
    form = client.get(new).context["form"]
    body = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
    shown = client.post(new, {**body, "asks_per_day": 9, "action": "preview"})
    assert "Questions a day" in shown.content.decode()
    assert 'value="9"' in shown.content.decode()
    assert Policy.objects.order_by("-version")[0].parameters.get("asks_per_day") != 9
    wrong = client.post(new, {**body, "p_gold": 0.9, "p_repeat": 0.9, "note": "kept", "action": "save"})
    assert (wrong.status_code, "kept" in wrong.content.decode()) == (422, True)
    assert client.post(new, {**body, "asks_per_day": 9, "action": "save"}).status_code == 302
    made = Policy.objects.order_by("-version")[0]
    assert (made.parameters["asks_per_day"], made.is_active) == (9, False)
    assert made.parameters["p_ask"] == start.parameters["p_ask"]
    assert made.parameters["strategies"] == start.parameters["strategies"]
    edit = reverse("ratings:policy-edit", args=[made.version])
    assert client.post(edit, {**body, "asks_per_day": 8, "action": "save"}).status_code == 302
    assert client.post(reverse("ratings:policy-activate", args=[made.version])).status_code == 302
    assert Policy.objects.current().parameters["asks_per_day"] == 8
    assert client.get(edit).status_code == 404
    assert client.post(reverse("ratings:policy-discard", args=[start.version + 1])).status_code in {302, 404, 409}


# Wordings


def test_a_new_wording_is_a_version_and_an_open_ask_keeps_its_own(
    staff: User, alice: User, make_image: MakeImage, settings: Settings
) -> None:
    activate_policy(member=staff, policy=save_policy(member=staff, parameters=ALWAYS))
    ask = draw_ask(surface="result", image=make_image(alice), rater=alice)
    assert ask
    old = ask.question
    made = reword_question(slug=old.slug, text="In other words?", labels=["a", "b", "c", "d", "e"])
    assert (made.version, made.form) == (old.version + 1, old.form)
    assert Question.objects.active().get(slug=old.slug) == made
    assert Ask.objects.get().wording.text == old.text


def test_a_question_is_put_in_the_readers_language_and_the_ledger_says_which(
    staff: User, alice: User, bob: User, publish: Publish
) -> None:
    activate_policy(member=staff, policy=save_policy(member=staff, parameters={**ALWAYS, "p_overall": 0.0}))
    question = Question.objects.active().get(slug="preference")
    QuestionTranslation.objects.filter(question=question, language="de").update(text="Welches?")
    first = publish(alice, seed=1)
    publish(alice, seed=2, generation=first.generation)
    with translation.override("de-at"):
        ask = draw_comparison(rater=bob)
    assert ask
    ask = Ask.objects.get()
    assert (ask.language, ask.wording.text) == ("de", "Welches?")
    assert question.wording("en").text == question.text
    assert question.wording("nl") == question.wording("en")  # not translated: the ledger says English


def test_every_question_comes_in_german_french_and_spanish(db: None) -> None:
    for question in Question.objects.active():
        worded = [question.wording(language) for language in ("en", "de", "fr", "es")]
        assert [wording.language for wording in worded] == ["en", "de", "fr", "es"]
        assert len({wording.text for wording in worded}) == 4
        assert {len(set(wording.labels)) for wording in worded} == {len(question.labels)}


def test_staff_reword_a_question_in_the_admin(admin_client: Any) -> None:
    page = "/admin/ratings/question/add/"
    inline = {"translations-TOTAL_FORMS": "1", "translations-INITIAL_FORMS": "0", "translations-0-language": "de"}
    inline |= {"translations-0-text": "Wie ist das Licht?", "translations-0-labels": "1,2,3,4,5"}
    body = {"slug": "lighting", "text": "How is the light?", "labels": "one\ntwo\nthree\nfour\nfive", **inline}
    short = admin_client.post(page, {**body, "labels": "one\ntwo"})
    assert (short.status_code, Question.objects.filter(slug="lighting").count()) == (200, 1)
    assert admin_client.post(page, body).status_code == 302
    made = Question.objects.active().get(slug="lighting")
    assert (made.version, made.labels[0], made.wording("de").text) == (2, "one", "Wie ist das Licht?")
