"""Every list × every reason to hide: what is hidden from somebody leaks nowhere.

Every page and API list of the site that can be fetched must stand in `LISTS` or, with the reason why no post can
leak from it, in `EXEMPT`; `test_every_list_is_in_the_matrix` walks the URLconf and fails for one that is in
neither, in whichever app it is. To add a list, give its URL name and a function from the world (`World`) to the
addresses to look at; the post `world.post` must be on each of them as long as nothing hides it. Where it shows only
in part of what somebody hidden can do (a list of the post's own author, say), say so in `BLIND`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account
from feed.challenges.themes.calendar import schedule_challenges
from feed.collections.services import create_collection, save_post
from feed.comments.services import post_comment
from feed.members import services as members_services
from feed.models import (
    Challenge,
    ChallengeEntry,
    Collection,
    Comment,
    EmergentStyle,
    Follow,
    Post,
    PostAspect,
    StyledPost,
    StyleWeek,
)
from feed.posts import services as posts_services
from feed.posts.services import tag_post
from feed.ranking.counters import process_recount_requests
from feed.ranking.orders import ASPECT_NAMES, SORT_NAMES, WINDOWS
from feed.ranking.precomputed import INTERVALS, rebuild_list
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from generation.models import Image, ImageState
from lib.content_levels import ContentLevel
from lib.days import local_day
from moderation.models import Restriction
from tests.conftest import As, MakeMember
from tests.feed.conftest import Publish

NOW = timezone.now()
DECIDED = local_day(NOW) - timedelta(days=9)
MONDAY = local_day(NOW) - timedelta(days=local_day(NOW).weekday())


@dataclass
class World:
    """`post` is alice's remix of bob's `parent`, in every list there is; bob reads, and carol has remixed it."""

    alice: User
    bob: User
    post: Post
    parent: Post
    child: Post
    collection: Collection
    comment: Comment
    style: EmergentStyle

    @property
    def marks(self) -> list[str]:
        """What must not leave: ids and words of the post."""
        return [self.post.public_id, self.post.image.public_id, "secretive", "Visible fox"]


def feeds(path: str) -> list[str]:
    """Every order of the feed, below a path."""
    parts = {"top": [f"&window={name}" for name in WINDOWS], "best": [f"&aspect={name}" for name in ASPECT_NAMES]}
    return [f"{path}?sort={sort}{part}" for sort in SORT_NAMES for part in parts.get(sort, [""])]


Addresses = Callable[[World], list[str]]
LISTS: dict[str, Addresses] = {
    "feed:list": lambda _world: [*feeds("/"), *(f"{path}&tag=vulpine" for path in feeds("/"))],
    "feed:search": lambda _world: ["/search/?q=fox", "/search/?q=by:alice", "/search/?q=tag:vulpine"],
    "feed:profile": lambda _world: ["/@alice/"],
    "feed:member-card": lambda _world: ["/@alice/card/"],
    "feed:models": lambda _world: ["/models/"],
    "feed:model": lambda world: [f"/models/{world.post.image.generation.checkpoint.slug}/"],
    "feed:challenge-today": lambda _world: ["/challenge/"],
    "feed:challenge-detail": lambda _world: [f"/challenge/{local_day(NOW).isoformat()}/"],
    "feed:challenge-stage": lambda _world: [f"/challenge/{local_day(NOW).isoformat()}/stage/?known=other"],
    "feed:challenge-past": lambda _world: ["/challenge/past/"],
    "feed:challenge-winners": lambda _world: [f"/challenge/winners/{form}/" for form in ("rss", "atom", "json")],
    "feed:notifications": lambda _world: ["/notifications/"],
    "feed:post-detail": lambda world: [f"/p/{world.parent.public_id}/", f"/p/{world.child.public_id}/"],
    "feed:collection": lambda world: [f"/collections/{world.collection.public_id}/"],
    "feed:syndication": lambda _world: [f"/feeds/{form}/?sort=new&tag=vulpine" for form in ("rss", "atom", "json")],
    "feed:styles": lambda _world: ["/styles/"],
    "feed:style": lambda world: [f"/styles/{world.style.public_id}/"],
    "feed:oembed": lambda world: [f"/oembed/?url={settings.SITE_URL}/p/{world.post.public_id}/"],
    "api:notification-list": lambda _world: ["/api/notifications/"],
    "api:post-list": lambda _world: [*feeds("/api/posts/"), "/api/posts/?tag=vulpine"],
    "api:post-detail": lambda world: [f"/api/posts/{world.child.public_id}/"],
    "api:post-family": lambda world: [f"/api/posts/{each.public_id}/family/" for each in (world.parent, world.child)],
    "api:profile-posts": lambda _world: ["/api/profiles/alice/posts/"],
    "api:challenge-entries": lambda _world: [f"/api/challenges/{local_day(NOW).isoformat()}/entries/"],
    "api:challenge-result": lambda _world: [f"/api/challenges/{DECIDED.isoformat()}/result/"],
    "api:search-list": lambda _world: ["/api/search/?q=fox"],
    "api:emergent-style-list": lambda _world: ["/api/emergent-styles/"],
    "api:collection-posts": lambda world: [f"/api/collections/{world.collection.public_id}/posts/"],
}
PERSONAL = {"blocks", "is blocked", "mute author", "mute tag", "mute word", "mute checkpoint", "not interested"}
BLIND = {  # reasons that cannot hold for a list, because it is the same for everybody
    "feed:syndication": PERSONAL,
    "feed:oembed": PERSONAL,
    "feed:challenge-winners": PERSONAL,
}
EXEMPT = {
    "feed:look": "the gallery of feed:model, of a style",
    "feed:search-suggest": "words by the content level of their posts; tags, and members by visible_members",
    "feed:pin": "POST only",
    "accounts:appearance": "a form about oneself",
    "api:prompt-expansion": "words that many published prompts share, of examples by visibility (test_expansion)",
    **dict.fromkeys(["api:upload-list", "api:upload-detail"], "one's own uploads (test_edits)"),
    "feed:new-above": "a number; counted by the same filter (lists.test_pages)",
    "feed:search-by-picture": "POST only",
    "feed:like-this": "needs vectors that a worker makes; the filter is tested with search",
    "feed:preferences": "what the member muted and hid: there so that it can be taken back",
    "feed:about-ranking": "words",
    "feed:collections": "names and covers (test_collections)",
    "feed:collections-of": "names and covers (test_collections)",
    "feed:collection-new": "a form",
    "feed:collection-edit": "a form of its owner's",
    "feed:collection-delete": "a form of its owner's",
    "feed:collection-share": "a form of its owner's",
    "feed:reproduce": "one post, by visible_to",
    "generation:upload": "a picture that the member brought, for them alone (test_uploads)",
    "feed:published": "one's own posts",
    "feed:following": "names of members",
    "feed:followers": "names of members",
    "feed:notice-settings": "a form about oneself",
    "feed:unsubscribe": "a signed link's question",
    "feed:collect": "a form about one post; 404 where it is hidden",
    "feed:comment": "leads to the post",
    "feed:comment-edit": "a form of its author's",
    "feed:comment-delete": "a form of its author's",
    "feed:tag-suggest": "names of tags of something listed",
    "feed:publish": "a form about one's own picture",
    "generation:board": "one's own pictures, and those asked for by id, by visible_to",
    "generation:board-add": "POST only",
    "generation:make-from": "POST only",
    "feed:act-on-pictures": "leads to one's own pictures",
    "feed:delete": "a form about one's own post",
    "feed:profile-edit": "a form about oneself",
    "api:post-score": "one post, by visible_to",
    "api:post-copy": "one post, by visible_to",
    "api:post-alike": "posts of one author, by listed_for (test_post_api)",
    "api:post-originals": "one's own posts",
    "api:profile-following": "names of members",
    "api:profile-followers": "names of members",
    "api:post-tags": "one post, by visible_to",
    "api:collection-list": "names",
    "api:collection-detail": "names",
    "api:comment-list": "comments of one post; 404 where it is hidden",
    "api:comment-detail": "one comment",
    "api:tag-list": "names of tags of something listed",
    "api:profile-detail": "one member",
    "api:follow-list": "names of members",
    "api:block-list": "names of members, which the member wrote there",
    "api:mute-list": "what the member wrote there",
    "api:hidden-post-list": "ids that the member hid, so that it can be taken back",
    "api:challenge-list": "themes",
    "feed:challenge-card": "the drawn card, gone when a picture on it changes (challenges.test_results)",
    **dict.fromkeys(["feed:challenge-leaders", "api:challenge-leaders"], "names of members, by visible_members"),
    **dict.fromkeys(["feed:challenge-ideas", "api:theme-idea-list"], "themes that members propose"),
    "feed:challenge-calendar": "for staff, themes",
    **dict.fromkeys(["feed:polls", "feed:poll", "feed:poll-new", "api:poll-list", "api:poll-detail"], "polls"),
    "api:challenge-pair": "POST only",
    "ratings:challenge-vote": "two pictures, drawn blind for this member (tests/ratings/challenges)",
    "api:emergent-style-detail": "weeks and names",
    "api:webhook-deliveries": "ids of events about the member's own things",
    "api:challenge-detail": "a theme",
    "api:notification-choose": "which notifications the member wants",
    "api:reproduction-detail": "one's own run of one post; 404 where it is hidden",
    **dict.fromkeys(
        ["api:schema", "api:docs", "api:api-root", "api:me", "api:consent-list", "api:token-list", "api:webhook-list"],
        "about the API or the account",
    ),
    **dict.fromkeys(
        ["api:checkpoint-list", "api:checkpoint-detail", "api:style-list", "api:question-list"], "what the site offers"
    ),
    **dict.fromkeys(
        ["api:generation-list", "api:generation-detail", "api:image-detail"], "one's own, or one picture by visible_to"
    ),
    **dict.fromkeys(["api:case-list", "api:case-detail"], "moderators alone"),
    "api:decision-list": "the public log, which names no post",
    **dict.fromkeys(["api:release-list", "api:release-detail"], "releases, not posts"),
    **dict.fromkeys(["api:benchmark-list", "api:benchmark-detail", "api:benchmark-bundle"], "figures of models"),
    **dict.fromkeys(["generation:cost", "api:generation-allowance"], "numbers about the member's own budget"),
    "generation:create": "a form; with a picture to remix, that one by Image.visible_to",
    "generation:rendition": "the file of one picture; what is not public needs a signed address",
    **dict.fromkeys(["generation:history", "generation:detail", "generation:events"], "one's own pictures"),
    "generation:recall": "the settings in a file that the sender brings",
    "api:recall": "the settings in a file that the sender brings",
    "generation:prompt-tokens": "counts the tokens of a prompt that the sender brings",
    "api:prompt-tokens": "counts the tokens of a prompt that the sender brings",
    "ratings:ask": "a question about one picture that may be asked about (tests/ratings)",
    "ratings:compare": "two pictures, drawn blind for this member (tests/ratings)",
    "ratings:compare-reveal": "the two pictures that the member compared",
    "ratings:compare-picture": "the file of a picture that the member is asked to compare",
    "ratings:standing": "how one's own answers are rated",
    "ratings:member-data-use": "which of one's own pictures and answers are in a dataset",
    **dict.fromkeys(["ratings:benchmark-list", "ratings:benchmark-detail", "ratings:benchmark-bundle"], "figures"),
    **dict.fromkeys(["ratings:research", "ratings:research-models", "ratings:research-comparison",
                     "ratings:research-aspects", "ratings:research-responses",
                     "ratings:research-table", "ratings:raters", "ratings:rater",
                     "ratings:release-list", "ratings:release-new", "ratings:release-preview",
                     "ratings:release-detail"],
                    "researchers alone, of what is consented to"),
    **dict.fromkeys(["ratings:campaign-list", "ratings:campaign-new", "ratings:campaign-detail"],
                    "researchers alone, figures"),
    **dict.fromkeys(["ratings:campaigns", "ratings:campaign", "ratings:campaign-picture"],
                    "pictures of a study, which are no posts (tests/ratings/campaigns)"),
    **dict.fromkeys(["ratings:release-archive", "ratings:release-file"], "files of a release, by a signed address"),
    **dict.fromkeys(["ratings:policies", "ratings:policy-new", "ratings:policy-edit"], "for staff, of sampling"),
    "moderation:report": "one thing, by its visible_to; 404 where it is hidden",
    "moderation:about": "words",
    **dict.fromkeys(["moderation:transparency", "moderation:report-csv"], "numbers"),
    "moderation:notice": "a form",
    "moderation:notice-status": "one notice and its outcome, by a secret link",
    "moderation:statement": "a decision about the member's own thing, by the link of their mail",
    "moderation:log": "every decision, naming nothing",
    **dict.fromkeys(["moderation:mine", "moderation:decision"], "decisions about the member's own things"),
    **dict.fromkeys(["moderation:queue", "moderation:preview", "moderation:case", "moderation:appeals",
                     "moderation:appeal", "moderation:rules", "moderation:rule", "moderation:member",
                     "moderation:recent", "moderation:picture"], "moderators alone"),
    **dict.fromkeys(["accounts:settings", "accounts:consent", "accounts:tokens", "accounts:webhooks",
                     "accounts:webhook-log", "accounts:data", "accounts:data-json", "accounts:data-zip"],
                    "one's own account"),
}  # fmt: skip
POSTS_ONLY = (
    "feed:impressions feed:unmute feed:forget-seen feed:not-interested feed:follow feed:unfollow feed:block"
    " feed:unblock feed:like feed:unlike feed:unpublish feed:comment-post feed:save feed:unsave feed:collection-unshare"
    " feed:collection-renew feed:challenge-enter feed:notifications-read"
    " feed:challenge-withdraw feed:challenge-idea-vote feed:challenge-idea-decide feed:challenge-swap feed:poll-vote"
    " feed:style-name feed:style-name-like"
    " generation:cancel generation:act generation:image-act generation:image-retry generation:image-delete"
    " ratings:challenge-vote-answer"
    " ratings:ask-answer ratings:ask-report ratings:compare-answer ratings:aspect-answer ratings:marks-answer"
    " ratings:ranking-answer"
    " ratings:campaign-agree ratings:campaign-leave ratings:campaign-answer ratings:campaign-open ratings:campaign-end"
    " ratings:policy-activate ratings:policy-discard"
    " ratings:quality-appeal-answer ratings:release-cancel ratings:release-follow"
    " moderation:next moderation:claim moderation:release moderation:rule-retire moderation:rule-benign moderation:lift"
    " moderation:note moderation:undo"
    " accounts:token-revoke accounts:webhook-remove accounts:webhook-resume accounts:delete"
)
ELSEWHERE = {"admin:": "for staff, read-only", "": "signing in, and what machines ask about the site's health"}


def names(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """URL names of every app that answer a GET."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern) and prefix not in ELSEWHERE:
            actions = getattr(pattern.callback, "actions", {"get": ""})
            if "get" in actions:
                yield f"{prefix}{pattern.name}"


def test_every_list_is_in_the_matrix() -> None:
    """A new list joins `LISTS`; what is none says in `EXEMPT` why."""
    found = set(names(get_resolver().url_patterns)) - set(POSTS_ONLY.split())
    assert found - LISTS.keys() - EXEMPT.keys() == set(), "add these to LISTS or, with a reason, to EXEMPT"
    assert (LISTS.keys() | EXEMPT.keys()) - found == set(), "these are gone"


@pytest.fixture
def world(alice: User, bob: User, make_member: MakeMember, publish: Publish) -> World:
    carol = make_member("carol")
    schedule_challenges(today=local_day(NOW), days=0)
    parent = publish(bob, prompt="a den", title="Den")
    words = {"prompt": "a secretive fox", "title": "Visible fox", "challenge": Challenge.objects.get()}
    post = publish(alice, at=NOW, parent=parent.image, remix_kind="same", **words)
    decided = Challenge.objects.create(day=DECIDED, theme="Decided", closed_at=NOW, closing="time")
    ChallengeEntry.objects.create(
        challenge=decided, post=post, member=alice, created_at=NOW, place=1, strength=1, strength_low=0,
        strength_high=2, wins=2, losses=1, ties=0,
    )  # fmt: skip
    child = publish(carol, prompt="a cub", parent=post.image, remix_kind="same")
    tag_post(post=post, author=alice, tags=["vulpine"])
    posts_services.like_post(post=post, member=carol, at=NOW)
    Follow.objects.create(member=bob, followed=alice, created_at=NOW)
    collection = create_collection(owner=carol, name="Foxes", visibility=Collection.Visibility.PUBLIC)
    save_post(post=post, member=carol, collection=collection)
    comment = post_comment(post=post, author=carol, text="What a den")
    style = EmergentStyle.objects.create(centre=[0.1] * TEXT_DIMENSIONS, words="ink", first_week=MONDAY)
    StyleWeek.objects.create(style=style, week=MONDAY, posts=9, likes=9, site_posts=20, site_likes=20, growth_ratio=3)
    StyledPost.objects.create(post=post, style=style, week=MONDAY, distance=0.1)
    PostAspect.objects.bulk_create(PostAspect(post=post, aspect=name, mean=4, spread=1, n=9) for name in ASPECT_NAMES)
    process_recount_requests(at=NOW)
    for name in INTERVALS:
        with transaction.atomic():
            rebuild_list(name, NOW)
    post.refresh_from_db()
    return World(alice, bob, post, parent, child, collection, comment, style)


def picture(**values: Any) -> Callable[[World], object]:
    return lambda world: Image.objects.filter(post=world.post).update(**values)


def publish_as(**values: Any) -> Callable[[World], object]:
    return lambda world: Post.objects.filter(pk=world.post.pk).update(**values)


def ban(world: World) -> None:
    Restriction.objects.create(user=world.alice, kind=Restriction.Kind.BANNED, starts_at=NOW - timedelta(minutes=1))


def mute(kind: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        made = world.post.image.generation
        value: Any = {"tag": "vulpine", "word": "secretive", "checkpoint": made.checkpoint, "author": world.alice}[kind]
        members_services.mute(member=world.bob, kind=kind, value=value, at=NOW)

    return apply


# Each alone where the database allows it, though services set several at once: no condition may lean on another.
REASONS: dict[str, Callable[[World], object]] = {
    "level": picture(content_level=ContentLevel.MATURE),
    "held": picture(state=ImageState.HELD, is_public=False),
    "not public": picture(is_public=False),
    "removed": publish_as(removed_at=NOW),
    "private": publish_as(unpublished_at=NOW),
    "deleted": publish_as(deleted_at=NOW, title=""),
    "banned author": ban,
    "deleted author": lambda world: delete_account(user=world.alice),
    "blocks": lambda world: members_services.block_member(member=world.bob, blocked=world.alice),
    "is blocked": lambda world: members_services.block_member(member=world.alice, blocked=world.bob),
    "mute author": mute("author"),
    "mute tag": mute("tag"),
    "mute word": mute("word"),
    "mute checkpoint": mute("checkpoint"),
    "not interested": lambda world: posts_services.hide_post(post=world.post, member=world.bob),
}


def test_the_post_is_in_every_list(world: World, as_user: As) -> None:
    """What hides must have something to hide."""
    client = as_user(world.bob)
    for name, addresses in LISTS.items():
        for address in addresses(world):
            answer = client.get(address)
            assert answer.status_code == 200, address
            page = answer.content.decode()
            assert any(mark in page for mark in world.marks), f"{name}: {address}"


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_hidden_leaks_nowhere(reason: str, world: World, as_user: As) -> None:
    client, fragment = as_user(world.bob), {"HX-Request": "true"}
    for address in feeds("/"):  # the snapshots are built while it is there
        client.get(address, headers=fragment)
    REASONS[reason](world)
    for name, addresses in LISTS.items():
        if reason in BLIND.get(name, ()):
            continue
        for address in addresses(world):
            page = client.get(address, headers=fragment).content.decode()
            leaked = [mark for mark in world.marks if mark in page]
            assert not leaked, f"{name}: {address} shows {leaked} though it is hidden: {reason}"
    cache.clear()
    later = as_user(world.bob)
    for address in feeds("/"):
        assert world.post.public_id not in later.get(address, headers=fragment).content.decode(), address
