"""Moderation's pages and API as each of the named people meets them."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from moderation.cases.services import claim_case
from moderation.decisions.services import decide_case
from moderation.models import Appeal, Case, Decision, Report, Rule
from tests.conftest import ApiAs, As
from tests.moderation.conftest import ReportMember

pytestmark = pytest.mark.django_db
Action = Decision.Action


@pytest.fixture
def case(alice: User, mallory: User, report_member: ReportMember) -> Case:
    return report_member(mallory, alice)


def moderator_pages(case: Case) -> list[str]:
    assert case.author is not None
    pages = [reverse(f"moderation:{name}") for name in ("queue", "appeals", "rules", "preview")]
    return [*pages, reverse("moderation:case", args=[case.public_id]),
            reverse("moderation:member", args=[case.author.public_id])]  # fmt: skip


@pytest.mark.parametrize("who", ["alice", "rita", None])
def test_moderators_pages_are_not_there_for_others(
    who: str | None, case: Case, as_user: As, request: pytest.FixtureRequest
) -> None:
    client = as_user(request.getfixturevalue(who) if who else None)
    assert {client.get(page).status_code for page in moderator_pages(case)} == {404}
    for name in ("claim", "release", "case"):
        assert client.post(reverse(f"moderation:{name}", args=[case.public_id])).status_code == 404
    assert client.post(reverse("moderation:next")).status_code == 404
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_moderators_see_all_of_them(case: Case, mod: User, as_user: As) -> None:
    client = as_user(mod)
    assert {client.get(page).status_code for page in moderator_pages(case)} == {200}


@pytest.mark.parametrize("name", ["log", "about"])
def test_the_public_pages_are_public(name: str, client: Client) -> None:
    assert client.get(reverse(f"moderation:{name}")).status_code == 200


def test_a_member_reports_a_moderator_decides_and_the_member_reads_why_and_appeals(
    alice: User, mallory: User, mod: User, mia: User, as_user: As
) -> None:
    page = reverse("moderation:report", args=["accounts.user", mallory.public_id])
    assert as_user(alice).get(page).status_code == 200
    assert as_user(alice).post(page, {"reason": "", "note": "look"}).status_code == 422
    assert as_user(alice).post(page, {"reason": "hate", "note": "look"}).status_code == 200
    report = Report.objects.get()

    moderator = as_user(mod)
    there = moderator.post(reverse("moderation:next")).headers["Location"]
    assert "look" in moderator.get(there).content.decode()
    kept = moderator.post(there, {"action": "restrict", "reason": "", "note": "my words"})
    assert kept.status_code == 422
    assert "my words" in kept.content.decode()
    done = moderator.post(there, {"action": "restrict", "reason": "hate", "restriction": "muted", "note": "Be kind."})
    assert done.headers["Location"] == reverse("moderation:queue")

    decision = Decision.objects.get(case=report.case)
    statement = reverse("moderation:decision", args=[decision.public_id])
    shown = as_user(mallory).get(statement).content.decode()
    assert "Be kind." in shown
    assert alice.username not in shown, "who reported stays secret"
    assert as_user(alice).get(statement).status_code == 404
    assert as_user(mallory).post(statement, {"text": "I was."}).status_code == 302
    assert "Be kind" not in as_user(None).get(reverse("moderation:log")).content.decode()

    appeal = reverse("moderation:appeal", args=[Appeal.objects.get().public_id])
    own = as_user(mod).post(appeal, {"answer": "No.", "outcome": "deny"})
    assert own.status_code == 422
    assert as_user(mia).post(appeal, {"answer": "You were.", "outcome": "grant"}).status_code == 302
    assert "You were." in as_user(mallory).get(statement).content.decode()
    assert "(100 %)" in as_user(None).get(reverse("moderation:log")).content.decode()


@pytest.mark.parametrize("target", ["accounts.user/nobody123456", "auth.group/1", "no.such/1", "x/1"])
def test_what_cannot_be_seen_cannot_be_reported(target: str, alice: User, as_user: As, api_as: ApiAs) -> None:
    assert as_user(alice).get(f"/report/{target}/").status_code == 404
    kind, _, public_id = target.partition("/")
    body = {"target_type": kind, "target": public_id, "reason": "hate"}
    assert api_as(alice).post("/api/reports/", body).status_code == 404


def test_a_visitor_who_reports_is_asked_to_sign_in(mallory: User, client: Client, api_as: ApiAs) -> None:
    answer = client.get(reverse("moderation:report", args=["accounts.user", mallory.public_id]))
    assert answer.headers["Location"].startswith("/accounts/login/")
    body = {"target_type": "accounts.user", "target": mallory.public_id, "reason": "hate"}
    assert api_as(None).post("/api/reports/", body).status_code == 401


def test_the_whole_way_through_the_api(alice: User, mallory: User, mod: User, api_as: ApiAs) -> None:
    body = {"target_type": "accounts.user", "target": mallory.public_id, "reason": "hate"}
    assert api_as(alice).post("/api/reports/", {**body, "reason": "nothing"}).json()["fields"]["reason"]
    assert api_as(alice).post("/api/reports/", body).status_code == 201
    assert api_as(alice).get("/api/cases/").status_code == 404
    moderator = api_as(mod)
    assert len(moderator.get("/api/cases/").json()["results"]) == 1
    case = moderator.post("/api/cases/next/").json()
    assert case["author"] == "mallory"
    refused = moderator.post(f"/api/cases/{case['id']}/decide/", {"action": "remove"})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["reason"])
    made = moderator.post(f"/api/cases/{case['id']}/decide/", {"action": "approve"})
    assert made.status_code == 201
    assert moderator.post(f"/api/cases/{case['id']}/decide/", {"action": "approve"}).status_code == 409
    assert moderator.post("/api/cases/next/").status_code == 204
    line = api_as(None).get("/api/decisions/").json()["results"][0]
    assert set(line) == {"decided_at", "kind", "action", "reason", "level", "policy_version"}


def test_a_rule_is_edited_on_its_page_and_a_broken_one_is_kept_as_typed(mod: User, mia: User, as_user: As) -> None:
    page, client = reverse("moderation:rules"), as_user(mod)
    values = {"slug": "teapots", "pattern": r"\bteapot", "effect": "block", "level": "0", "category": "other",
              "reason": "No teapots.", "must_match": "two teapots", "must_not_match": "a tea party",
              "why": "Asked."}  # fmt: skip
    tried = client.post(page, {**values, "try": "1"})
    assert (tried.status_code, "Nothing was saved" in tried.content.decode()) == (200, True)
    assert not Rule.objects.filter(slug="teapots").exists()
    assert client.post(page, values).status_code == 302
    assert Rule.objects.active().get(slug="teapots").reason == "No teapots."
    for broken in ("(", "a?"):
        answer = client.post(page, {**values, "pattern": broken})
        assert answer.status_code == 422
        assert "No teapots." in answer.content.decode()
    own, retire = reverse("moderation:rule", args=["teapots"]), reverse("moderation:rule-retire", args=["teapots"])
    client.post(retire, {"why": "Enough."})
    assert Rule.objects.active().filter(slug="teapots").exists(), "a hard rule takes two"
    as_user(mia).post(retire, {"why": "I agree."})
    shown = client.get(own).content.decode()
    assert "Enough." in shown
    assert "I agree." in shown
    assert not Rule.objects.active().filter(slug="teapots").exists()


def test_the_queue_takes_few_queries(
    case: Case, alice: User, bob: User, rita: User, mod: User, as_user: As, report_member: ReportMember,
    django_assert_max_num_queries: "object",
) -> None:  # fmt: skip
    for target in (bob, rita):
        report_member(target, alice)
    client = as_user(mod)
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        client.get(reverse("moderation:queue"))


def test_the_same_decision_sent_twice_is_made_once(case: Case, mod: User, as_user: As) -> None:
    claim_case(moderator=mod, case=case)
    page = reverse("moderation:case", args=[case.public_id])
    form = {"action": "approve"}
    assert [as_user(mod).post(page, form).status_code for _ in range(2)] == [302, 422]
    assert Decision.objects.count() == 1


def test_a_member_finds_their_own_decisions_and_nobody_elses(
    case: Case, alice: User, mallory: User, mod: User, as_user: As
) -> None:
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Action.RESTRICT, reason="hate")
    page = reverse("moderation:mine")
    assert "account was restricted" in as_user(mallory).get(page).content.decode()
    assert "account was restricted" not in as_user(alice).get(page).content.decode()
