"""Moderators act on neither themselves nor their betters: by pages, API and admin, and every act names its author."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from accounts.permissions import may_act_on, self_and_betters
from lib.errors import Refused
from moderation.appeals.services import appeal_decision
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case, lift_restriction
from moderation.models import Case, Decision, Restriction
from moderation.pseudonyms import pseudonym
from moderation.restrictions.services import require_unrestricted, restrict_member
from tests.conftest import ApiAs, As, MakeMember
from tests.moderation.examples import make_decision

pytestmark = pytest.mark.django_db
Action = Decision.Action
RANKS = ("alice", "mod", "mia", "steve", "root")


@pytest.fixture
def root(make_member: MakeMember) -> User:
    return make_member("root", is_superuser=True, is_staff=True)


@pytest.fixture
def ranked(alice: User, mod: User, mia: User, steve: User, root: User) -> dict[str, User]:
    return dict(zip(RANKS, (alice, mod, mia, steve, root), strict=True))


def test_the_rule_is_the_same_for_one_member_and_for_a_query(ranked: dict[str, User]) -> None:
    for actor in ranked.values():
        shut = set(self_and_betters(actor))
        assert {each for each in ranked.values() if not may_act_on(actor, each)} == {
            each for each in shut if each.username in RANKS
        }
    mod = ranked["mod"]
    assert [may_act_on(mod, ranked[name]) for name in RANKS] == [True, False, True, False, False]


@pytest.mark.parametrize("name", ["mod", "steve", "root"])
@pytest.mark.parametrize("way", ["page", "api", "service"])
def test_a_moderator_neither_sees_nor_decides_a_case_about_themselves_or_their_betters(
    name: str, way: str, ranked: dict[str, User], as_user: As, api_as: ApiAs
) -> None:
    mod, case = ranked["mod"], open_case(target=ranked[name], origin="report", severity=5)
    # even one that was given to them by some other way
    Case.objects.filter(pk=case.pk).update(
        state="claimed", claimed_by=mod, claimed_until=timezone.now() + timedelta(minutes=5)
    )
    ban = {"action": "restrict", "reason": "hate", "restriction": "banned", "duration": "permanent"}
    if way == "page":
        page = reverse("moderation:case", args=[case.public_id])
        assert {as_user(mod).get(page).status_code, as_user(mod).post(page, ban).status_code} == {404}
        for verb in ("claim", "release", "note"):
            page = reverse(f"moderation:{verb}", args=[case.public_id])
            assert as_user(mod).post(page, {"text": "me"}).status_code == 404
        assert as_user(mod).get(reverse("moderation:member", args=[ranked[name].public_id])).status_code == 404
    elif way == "api":
        assert api_as(mod).get("/api/cases/").json()["results"] == []
        assert api_as(mod).post(f"/api/cases/{case.public_id}/decide/", ban).status_code == 404
        assert api_as(mod).post("/api/cases/next/").status_code == 204
    else:
        with pytest.raises(Refused) as refused:
            decide_case(case=case, moderator=mod, **ban)  # type: ignore[arg-type]
        assert refused.value.status == 403
    assert not Decision.objects.exists()
    assert not Restriction.objects.exists()


@pytest.mark.parametrize(("actor", "subject", "is_allowed"), [
    ("alice", "mia", False), ("mod", "alice", True), ("mod", "mod", False), ("mod", "mia", False),
    ("mod", "steve", False), ("steve", "mod", True), ("steve", "steve", False), ("steve", "root", False),
    ("root", "steve", True), ("root", "root", False),
])  # fmt: skip
def test_only_a_better_lifts_a_restriction_and_a_decision_names_who(
    actor: str, subject: str, is_allowed: bool, ranked: dict[str, User], as_user: As
) -> None:
    who, member = ranked[actor], ranked[subject]
    mute = restrict_member(user=member, kind=Restriction.Kind.MUTED, until=None, decision=None)
    answer = as_user(who).post(reverse("moderation:lift", args=[mute.pk]))
    mute.refresh_from_db()
    assert (mute.lifted_at is not None) == is_allowed
    assert answer.status_code == (302 if is_allowed else 404 if actor == "alice" else 403)
    rows = list(Decision.objects.values_list("action", "actor_pseudonym", "author_pseudonym"))
    assert rows == ([("lift", pseudonym(who.pk), pseudonym(member.pk))] if is_allowed else [])
    if is_allowed:
        require_unrestricted(user=member, doing="publish")
        with pytest.raises(Refused):
            lift_restriction(restriction=mute, moderator=who)


def test_equals_may_remove_each_others_things_but_not_restrict_each_other(mod: User, mia: User, steve: User) -> None:
    case = open_case(target=mia, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    with pytest.raises(Refused):
        decide_case(case=case, moderator=mod, action=Action.RESTRICT, reason="hate")
    decide_case(case=case, moderator=mod, action=Action.ESCALATE, reason="hate")
    claim_case(moderator=steve, case=case)
    decide_case(case=case, moderator=steve, action=Action.RESTRICT, reason="hate")


def test_an_escalated_case_is_hidden_from_every_plain_moderator_and_so_is_its_appeal(
    alice: User, mod: User, mia: User, steve: User, root: User, as_user: As, api_as: ApiAs
) -> None:
    case = open_case(target=alice, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Action.ESCALATE, reason="hate")
    page = reverse("moderation:case", args=[case.public_id])
    assert [as_user(who).get(page).status_code for who in (mod, mia, steve, root)] == [404, 404, 200, 200]
    listed = [api_as(who).get(f"/api/cases/{case.public_id}/").status_code for who in (mia, steve)]
    assert listed == [404, 200]
    member = as_user(mia).get(reverse("moderation:member", args=[alice.public_id])).content.decode()
    assert page not in member
    claim_case(moderator=steve, case=case)
    decision = decide_case(case=case, moderator=steve, action=Action.RESTRICT, reason="hate")
    appeal = appeal_decision(decision=decision, author=alice, text="No.")
    appeal_page = reverse("moderation:appeal", args=[appeal.public_id])
    assert [as_user(who).get(appeal_page).status_code for who in (mia, root)] == [404, 200]
    grant = {"answer": "Yes.", "outcome": "grant"}
    assert [as_user(who).post(appeal_page, grant).status_code for who in (mia, steve, root)] == [404, 422, 302]


def test_nobody_answers_their_own_appeal_or_a_betters(mod: User, mia: User, steve: User, as_user: As) -> None:
    for author in (mod, steve):
        appeal = appeal_decision(decision=make_decision(author), author=author, text="I am right.")
        page = reverse("moderation:appeal", args=[appeal.public_id])
        answer = {"answer": "Yes, I am.", "outcome": "grant"}
        assert as_user(mod).get(page).status_code == 404
        assert as_user(mod).post(page, answer).status_code == 404
        appeal.refresh_from_db()
        assert appeal.state == "open"
        assert page not in as_user(mod).get(reverse("moderation:appeals")).content.decode()


def test_the_admin_bans_nobody_and_changes_no_better(
    alice: User, root: User, make_member: MakeMember, as_user: As
) -> None:
    clerk = make_member("clerk", Role.STAFF, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    fields = {"username": "taken-over", "email": "x@y.test", "is_active": "", "is_superuser": "on", "max_level": "0"}
    for member in (root, clerk):
        answer = as_user(clerk).post(reverse("admin:accounts_user_change", args=[member.pk]), fields)
        assert answer.status_code == 403
    as_user(clerk).post(reverse("admin:accounts_user_change", args=[alice.pk]), {**fields, "username": "alicia"})
    alice.refresh_from_db()
    assert (alice.username, alice.is_active, alice.is_superuser) == ("alicia", True, False)
    as_user(root).post(reverse("admin:accounts_user_change", args=[alice.pk]), {**fields, "username": "alicia"})
    alice.refresh_from_db()
    assert (alice.is_active, alice.is_superuser) == (True, True)


def test_a_permanent_ban_is_in_the_form_and_has_no_end(alice: User, mod: User, as_user: As) -> None:
    case = open_case(target=alice, origin="report", severity=5)
    client = as_user(mod)
    client.post(reverse("moderation:claim", args=[case.public_id]))
    page = reverse("moderation:case", args=[case.public_id])
    assert 'value="permanent"' in client.get(page).content.decode()
    client.post(page, {"action": "restrict", "reason": "hate", "restriction": "banned", "duration": "permanent"})
    assert Restriction.objects.get(user=alice).ends_at is None
    alice.refresh_from_db()
    assert not alice.is_active


def test_a_second_opinion_comes_from_another_moderator(alice: User, mod: User, mia: User, as_user: As) -> None:
    case = open_case(target=alice, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    decide_case(case=case, moderator=mod, action=Action.SECOND, note="Satire, I think.")
    assert claim_case(moderator=mod) is None
    shown = as_user(mia).get(reverse("moderation:case", args=[case.public_id])).content.decode()
    assert "<bdi>mod</bdi> asks for a second opinion" in shown
    assert "Satire, I think." in shown
    assert claim_case(moderator=mia) == case
    decide_case(case=case, moderator=mia, action=Action.APPROVE)
    assert Decision.objects.about(alice).count() == Decision.objects.logged().count() == 1
