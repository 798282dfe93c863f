"""What simulated members do with each other: tags, avatars, follows, comments and collections. Idempotent."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from feed.collections.services import create_collection, save_post
from feed.comments.services import post_comment
from feed.members.services import edit_profile, follow_member
from feed.models import Collection, Comment, Follow, Post, PostTag, Profile
from feed.posts.services import pin_post, tag_post
from lib.errors import Refused
from ratings.simulation.scenario import BACKGROUNDS, NOUNS, STYLES, TINTS
from ratings.simulation.state import Simulation

Progress = Callable[[int], None]
COMMENTED = 0.35  # of posts
ANSWERED = 0.5  # of first comments
COLLECTORS_EVERY = 3  # each third member keeps a public collection
COLLECTED = 8
PINNED = 3
COMMENTS = (
    "The colours work so well together.",
    "I keep coming back to this one.",
    "How did you get the edges so clean?",
    "This made me smile.",
    "Lovely, the background does a lot here.",
    "I tried the same words and got nothing like it.",
    "Simple and good.",
    "The shadow under it is a nice touch.",
    "More of these, please!",
    "It looks like a sticker, I like that.",
)
ANSWERS = ("Thank you!", "It took a few seeds.", "I only changed the background.", "Try it with another style too.")
COLLECTIONS = ("Small bright things", "Good with blue", "To remix one day", "Animals, mostly", "Quiet ones")


def join_in(simulation: Simulation, progress: Progress) -> None:
    """Each member tags their pictures, picks an avatar, follows some, comments here and there, and collects."""
    shown = Post.objects.published().filter(image__is_public=True, author__in=simulation.members)
    posts = list(shown.select_related("image__generation", "author").order_by("published_at", "pk"))
    for number, member in enumerate(simulation.members):
        rng = simulation.rng("social", member.username)
        own = [post for post in posts if post.author_id == member.pk]
        others = [post for post in posts if post.author_id != member.pk]
        _tag(own[::2])
        _choose_avatar(member, own, rng)
        _follow(simulation, member, rng)
        if number % COLLECTORS_EVERY == 0:
            _collect(simulation, member, others, COLLECTIONS[number // COLLECTORS_EVERY % len(COLLECTIONS)], rng)
        for post in own[:PINNED] if number == len(simulation.members) - 1 else ():
            pin_post(post=post, author=member)
        progress(1)
    _comment(simulation, posts)


def _tag(own: Sequence[Post]) -> None:
    """What the prompt shows, in the words that the simulation knows."""
    untagged = {post.pk for post in own} - set(PostTag.objects.filter(post__in=own).values_list("post", flat=True))
    for post in own:
        words = post.image.generation.prompt.replace(",", "").split()
        tags = [word for word in words if word in {*NOUNS, *BACKGROUNDS, *TINTS, *STYLES}]
        if post.pk in untagged and tags:
            tag_post(post=post, author=post.author, tags=tags[:4])


def _choose_avatar(member: User, own: Sequence[Post], rng: random.Random) -> None:
    profile = Profile.objects.filter(user=member).first()
    if not own or (profile and profile.avatar_id) or rng.random() < 0.15:
        return
    name, bio = (profile.display_name, profile.bio) if profile else ("", "")
    edit_profile(member=member, display_name=name, bio=bio, avatar=rng.choice(own).image)


def _follow(simulation: Simulation, member: User, rng: random.Random) -> None:
    others = [other for other in simulation.members if other.pk != member.pk]
    for other in rng.sample(others, min(len(others), rng.randint(2, 6))):
        if not Follow.objects.filter(member=member, followed=other).exists():
            follow_member(member=member, followed=other, at=simulation.end - timedelta(hours=30 * rng.random()))


def _collect(simulation: Simulation, member: User, others: Sequence[Post], name: str, rng: random.Random) -> None:
    collection = Collection.objects.filter(owner=member, name=name).first()
    if collection is None:
        collection = create_collection(owner=member, name=name, visibility=Collection.Visibility.PUBLIC)
    for post in rng.sample(list(others), min(COLLECTED, len(others))):
        _quietly(save_post, post=post, member=member, collection=collection)


def _comment(simulation: Simulation, posts: Sequence[Post]) -> None:
    for post in posts:
        rng = simulation.rng("comment", post.image.generation.idempotency_key, post.image.position)
        readers = [member for member in simulation.members if member.pk != post.author_id]
        if rng.random() > COMMENTED or not readers or Comment.objects.filter(post=post).exists():
            continue
        at = post.published_at
        for text in rng.sample(COMMENTS, rng.randint(1, 2)):
            at = _later(at, simulation.end, rng)
            said = _quietly(post_comment, post=post, author=rng.choice(readers), text=text, at=at)
            if said is not None and rng.random() < ANSWERED:
                at = _later(at, simulation.end, rng)
                _quietly(post_comment, post=post, author=post.author, text=rng.choice(ANSWERS), parent=said, at=at)


def _later(at: datetime, end: datetime, rng: random.Random) -> datetime:
    return at + max(timedelta(), end - at) * rng.random() * 0.5


def _quietly(verb: Callable[..., Any], **arguments: Any) -> Any:
    """What is refused (a picture that is held, a level too high) a simulated member lets be."""
    try:
        return verb(**arguments)
    except Refused:
        return None
