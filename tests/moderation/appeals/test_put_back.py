"""A granted appeal puts everything back: what people see, hashes, strikes, restrictions."""

from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from feed.comments.services import post_comment
from feed.models import Comment, Post
from feed.posts.services import publish_image
from generation.models import Image, PromptExample
from moderation.appeals.services import answer_appeal, appeal_decision
from moderation.cases.services import claim_case, open_case
from moderation.decisions.services import decide_case
from moderation.models import BlockedHash, Decision, Restriction, Strike
from tests.conftest import As
from tests.generation.fixtures import MakeImage

pytestmark = pytest.mark.django_db
Action = Decision.Action


def state(viewer: Any, post: Post, comment: Comment) -> dict[str, Any]:
    now = timezone.now()
    page = viewer.get(f"/p/{post.public_id}/")
    return {
        "image": Image.objects.values_list("state", "is_public", "content_level").get(pk=post.image_id),
        "post": Post.objects.public(now).filter(pk=post.pk).exists(),
        "page": page.status_code,
        "comment": comment.text in page.content.decode(),
        "listed": post.public_id in viewer.get("/?sort=new").content.decode(),
        "found": post.public_id in viewer.get("/search/?q=zebra").content.decode(),
        "example": PromptExample.objects.filter(image=post.image_id).exists(),
        "hashes": BlockedHash.objects.filter(lifted_at=None).count(),
        "strikes": Strike.objects.active(now).count(),
        "restrictions": Restriction.objects.active(now).count(),
        "active": list(User.objects.order_by("pk").values_list("is_active", flat=True)),
    }


@pytest.mark.parametrize(("what", "decision"), [
    ("post", {"action": Action.REMOVE, "reason": "sexual"}),
    ("post", {"action": Action.HOLD, "reason": "sexual"}),
    ("post", {"action": Action.LEVEL, "reason": "sexual", "level": 2}),
    ("image", {"action": Action.REMOVE, "reason": "sexual"}),
    ("image", {"action": Action.LEVEL, "reason": "violence", "level": 1}),
    ("comment", {"action": Action.REMOVE, "reason": "hate"}),
    ("member", {"action": Action.RESTRICT, "reason": "hate", "restriction": "banned", "duration": "permanent"}),
    ("member", {"action": Action.RESTRICT, "reason": "hate", "restriction": "muted", "duration": "30d"}),
])  # fmt: skip
def test_a_granted_appeal_puts_everything_back(
    what: str,
    decision: dict[str, Any],
    alice: User,
    bob: User,
    mod: User,
    mia: User,
    make_image: MakeImage,
    as_user: As,
) -> None:
    image = make_image(alice, prompt="a zebra in the rain")
    post = publish_image(image=image, author=alice)
    comment = post_comment(post=post, author=alice, text="My favourite stripes")
    viewer = as_user(bob)
    before = state(viewer, post, comment)
    target = {"post": post, "image": image, "comment": comment, "member": alice}[what]
    case = open_case(target=target, origin="report", severity=2)
    claim_case(moderator=mod, case=case)
    made = decide_case(case=case, moderator=mod, **decision)
    assert state(viewer, post, comment) != before
    appeal = appeal_decision(decision=made, author=alice, text="No.")
    answer_appeal(appeal=appeal, moderator=mia, is_granted=True, answer="Right.")
    cache.clear()  # readers share a list for a second
    assert state(viewer, post, comment) == before
