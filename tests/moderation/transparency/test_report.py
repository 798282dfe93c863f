"""The transparency report counts by reason and by rule, and says how often they were wrong."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from lib.content_levels import ContentLevel
from moderation.appeals.services import answer_appeal, appeal_decision
from moderation.cases.services import claim_case, record_screening
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Screening
from moderation.policy import Reason
from moderation.screening.observations import Label, Observation, Verdict
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db


def held(by: str) -> Verdict:
    seen = Observation("rules", f"7.1/{by}", Label.DOUBTFUL, 1.0, Reason.SEXUAL)
    return Verdict(Screening.Verdict.HOLD, ContentLevel.GENERAL, ["sexual"], "", observations=[seen])


def test_the_report_by_reason_and_by_rule(
    client: Client, alice: User, mod: User, mia: User, make_image: MakeImage
) -> None:
    outcomes = [("teapots", "remove"), ("teapots", "approve"), ("kettles", "remove")]
    made = []
    for rule, action in outcomes:
        image = make_image(alice)
        record_screening(verdict=held(rule), target=image, author=alice)
        case = Case.objects.unclosed().get(target_id=image.pk)
        claim_case(moderator=mod, case=case)
        made.append(decide_case(case=case, moderator=mod, action=action, reason="sexual"))
    appeal = appeal_decision(decision=made[0], author=alice, text="A pot.")
    answer_appeal(appeal=appeal, moderator=mia, is_granted=True, answer="Indeed.")
    text = client.get(reverse("moderation:report-csv")).content.decode()
    rows = {(row["kind"], row["name"]): row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {("reason", "sexual"), ("rule", "teapots"), ("rule", "kettles")}
    reason = rows["reason", "sexual"]
    assert (reason["decided"], reason["appealed"], reason["overturned"], reason["overturned_percent"]) == (
        "2", "1", "1", "50.0",
    )  # fmt: skip
    assert (rows["rule", "teapots"]["decided"], rows["rule", "teapots"]["overturned"]) == ("2", "1")
    assert (rows["rule", "kettles"]["decided"], rows["rule", "kettles"]["overturned"]) == ("1", "0")
    page = client.get(reverse("moderation:transparency") + "?days=nonsense").content.decode()
    assert "teapots" in page
    assert "alice" not in page
    assert Decision.objects.filter(reason="appeal").count() == 1
