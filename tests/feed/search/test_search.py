"""Search: words, operators, typos, meaning and looks, and never what the viewer may not see."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User, Viewer
from feed.models import Block, HiddenPost, Mute, Post, SearchEntry
from feed.posts import services as posts_services
from feed.posts.services import tag_post
from feed.posts.visibility import refresh_visibility
from feed.search import retrieval
from feed.search.embeddings import text as text_embeddings
from feed.search.embeddings.indexing import embed_texts
from feed.search.query_language import parse
from feed.search.results import ResultPage, read_results
from feed.search.suggestions.typos import relearn_words
from generation.models import Style
from lib.content_levels import ContentLevel
from lib.errors import Refused
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish, PublishMany
from tests.feed.hiding import REASONS
from tests.generation.fixtures import checkpoint_row, drawn

NOW = timezone.now()
VISITOR = AnonymousUser()


@pytest.fixture
def gallery(encoder: Path, alice: User, bob: User, publish: Publish) -> dict[str, Post]:
    """A few posts by two members, all read."""
    style = Style.objects.get_or_create(slug="etching", defaults={"name": "Etching"})[0]
    posts = {
        "fox": publish(
            alice, prompt="a red fox in the snow", title="Winter guest", seed=11, at=NOW - timedelta(days=3)
        ),
        "car": publish(alice, prompt="a red car on a mountain road", seed=12, at=NOW - timedelta(days=2)),
        "hill": publish(bob, prompt="a grey fox on a hill", seed=13, style=style, at=NOW - timedelta(days=1)),
        "café": publish(
            bob, prompt="un café élégant, Ёлка и Жар-птица", seed=14, checkpoint=checkpoint_row("other", "other")
        ),
    }
    embed_texts()
    return posts


def titles(found: ResultPage, gallery: dict[str, Post]) -> list[str]:
    names = {post.pk: name for name, post in gallery.items()}
    return [names[post.pk] for post in found.posts]


def look(text: str, viewer: Viewer = VISITOR) -> ResultPage:
    return read_results(parse(text), viewer, at=timezone.now())


# --- what is found -----------------------------------------------------------------------------------------


FINDS = [
    ("snow", "fox", "exact"),
    ("foxes grey", "hill", "exact"),  # stems
    ("moun", "car", "prefix"),
    ("mountian", "car", "typo"),
    ("elegant", "café", "exact"),  # without its accents
    ("ÉLÉGANT", "café", "exact"),
    ("жар", "café", "exact"),
    ("vehicle", "car", "meaning"),
    ('"grey fox"', "hill", "phrase"),
    ("guest", "fox", "exact"),  # its title
    ("seed:13", "hill", "filter"),
    ("style:etching", "hill", "filter"),
    ("checkpoint:other", "café", "filter"),
    ("fox by:BOB", "hill", "exact"),
    ("fox -by:alice", "hill", "exact"),
    ("fox -snow", "hill", "exact"),
    ('red -"red fox"', "car", "exact"),
]


def test_each_part_finds_what_it_says_and_tells_how(gallery: dict[str, Post]) -> None:
    for text, expected, how in FINDS:
        found = look(text)
        assert (titles(found, gallery)[:1], found.used[0].how) == ([expected], how), text


def test_before_and_after_cut_by_the_day_of_publication(gallery: dict[str, Post]) -> None:
    def day(back: int) -> str:
        return timezone.localtime(NOW - timedelta(days=back)).date().isoformat()

    assert titles(look(f"before:{day(2)}"), gallery) == ["fox"]
    assert titles(look(f"after:{day(1)}"), gallery) == ["café", "hill"]
    assert titles(look(f"after:{day(2)} before:{day(1)}"), gallery) == ["car"]


def test_the_newest_come_first_where_one_asks_for_it(gallery: dict[str, Post], as_user: As) -> None:
    assert titles(look("red fox order:new"), gallery) == ["fox"]
    assert titles(look("fox order:new"), gallery) == ["hill", "fox"]
    assert titles(look("red order:new"), gallery) == ["car", "fox"]  # and nothing that is only similar
    cards = as_user(None).get("/search/?q=red&order=new").context["cards"]
    assert [card.id for card in cards] == [gallery[name].public_id for name in ("car", "fox")]
    assert as_user(None).get("/search/?q=red&order=old").status_code == 400


def test_a_tag_is_found_by_its_operator_and_as_a_word(gallery: dict[str, Post], alice: User) -> None:
    tag_post(post=gallery["car"], author=alice, tags=["oil paint"])
    embed_texts()
    assert titles(look('tag:"Oil Paint"'), gallery) == ["car"]
    assert titles(look("oil"), gallery)[0] == "car"
    assert titles(look('fox -tag:"oil paint"'), gallery)[:2] == ["hill", "fox"]


def test_a_typo_is_said_and_a_word_that_exists_is_never_replaced(gallery: dict[str, Post]) -> None:
    (used,) = look("mountian").used
    assert (used.part, used.how, "mountain" in used.words) == ("mountian", "typo", True)
    assert look("fox").used[0].how == "exact"


def test_words_come_first_and_what_is_close_in_meaning_after_them(gallery: dict[str, Post]) -> None:
    found = titles(look("fox"), gallery)
    assert set(found[:2]) == {"fox", "hill"}
    assert "café" not in found


def test_nothing_that_makes_sense_of_it_is_nothing_found(gallery: dict[str, Post]) -> None:
    assert look("zzzxqw seed:11").posts == []
    assert look("by:nobody").notes != ()
    assert look("").posts == []


def test_this_minus_red_moves_what_is_red_away(gallery: dict[str, Post]) -> None:
    fox = gallery["fox"].public_id
    entry = SearchEntry.objects.get(pk=gallery["fox"].pk)
    assert entry.embedding is not None
    plain, less = (retrieval.begin(parse(f"like:{fox}{more}"), VISITOR, NOW) for more in ("", " -red"))
    red, grey = text_embeddings.embed(["a red car on a mountain road", "a grey fox on a hill"])
    assert plain.vector is not None
    assert less.vector is not None
    assert less.vector @ red - plain.vector @ red < less.vector @ grey - plain.vector @ grey
    assert less.vector @ red < less.vector @ grey
    found = look(f"like:{fox} -red")
    assert [used.how for used in found.used] == ["less", "meaning"]
    assert titles(found, gallery)[0] == "hill"
    assert "fox" not in titles(found, gallery)


def test_a_picture_finds_the_posts_that_look_like_it(
    gallery: dict[str, Post], alice: User, publish: Publish, as_user: As
) -> None:
    twin = publish(alice, prompt="a red fox in the snow", seed=11)  # the same picture again
    found = look(f"looks:{gallery['fox'].public_id}")
    assert [post.pk for post in found.posts] == [twin.pk]
    assert found.used[0].how == "picture"
    file = io.BytesIO()
    drawn(gallery["fox"].image).save(file, "PNG")
    file.name = "fox.png"
    file.seek(0)
    answer = as_user(None).post("/search/picture/", {"picture": file}, follow=True)
    page = answer.content.decode()
    assert twin.public_id in page
    assert gallery["fox"].public_id in page
    assert gallery["hill"].public_id not in page


@pytest.mark.parametrize("name", ["like", "looks"])
def test_a_query_may_not_name_a_post_that_is_hidden(name: str, gallery: dict[str, Post], alice: User) -> None:
    posts_services.unpublish_post(post=gallery["fox"], author=alice)
    with pytest.raises(Refused, match="no such post"):
        look(f"{name}:{gallery['fox'].public_id}")


# --- what is never shown -----------------------------------------------------------------------------------


def block(post: Post, viewer: User) -> None:
    Block.objects.create(member=viewer, blocked=post.author, created_at=NOW)


def blocked_by(post: Post, viewer: User) -> None:
    Block.objects.create(member=post.author, blocked=viewer, created_at=NOW)


def mute(post: Post, viewer: User) -> None:
    Mute.objects.create(member=viewer, kind=Mute.Kind.WORD, value="fox", created_at=NOW)


def not_interested(post: Post, viewer: User) -> None:
    HiddenPost.objects.create(member=viewer, post=post, created_at=NOW)


def _whoever_looks(hide: Callable[[Post], None], post: Post, viewer: User) -> None:
    hide(post)


HIDDEN: dict[str, Callable[[Post, User], None]] = {
    **{name: partial(_whoever_looks, hide) for name, (hide, _may_open) in REASONS.items()},
    "block": block,
    "blocked by": blocked_by,
    "mute": mute,
    "not interested": not_interested,
}
QUERIES = [
    "snowfall", "snow", "snowfull", '"red fox"', "by:alice", "checkpoint:toy", "style:etching", "tag:guest", "seed:11",
    "before:2100", "after:2020", "wild animal in winter", "like:{other} -blue", "looks:{twin}",
]  # fmt: skip


def test_no_query_finds_what_is_hidden(
    encoder: Path, alice: User, bob: User, mallory: User, publish: Publish, as_user: As
) -> None:
    style = Style.objects.get_or_create(slug="etching", defaults={"name": "Etching"})[0]
    secret = publish(alice, prompt="a red fox in the snowfall", title="Guest", seed=11, style=style)
    tag_post(post=secret, author=alice, tags=["guest"])
    twin = publish(mallory, prompt="a red fox in the snowfall", seed=11)
    SearchEntry.objects.filter(pk=twin.pk).update(text="something else altogether", embedding=None)
    other = publish(mallory, prompt="a fox in deep snow", seed=3)
    Mute.objects.create(member=bob, kind=Mute.Kind.AUTHOR, author=mallory, created_at=NOW)
    embed_texts()
    queries = [text.format(other=other.public_id, twin=twin.public_id) for text in QUERIES]
    assert [text for text in queries if not _tells_of(secret, look(text, bob))] == []
    leaks = []
    for reason, hide in HIDDEN.items():
        point = transaction.savepoint()
        hide(secret, bob)
        leaks += [f"{reason}: {text}" for text in queries if _tells_of(secret, look(text, bob))]
        page = as_user(bob).get("/search/?q=snowfall").content.decode()
        leaks += [f"{reason}: the page"] if secret.public_id in page or "red fox" in page else []
        transaction.savepoint_rollback(point)
    assert leaks == []


def _tells_of(post: Post, found: ResultPage) -> bool:
    """By showing it, or by guessing a word that only it has."""
    return post in found.posts or any(used.how == "typo" for used in found.used)


def test_a_hidden_prompt_is_found_by_its_author_alone(
    encoder: Path, alice: User, bob: User, mod: User, publish: Publish
) -> None:
    post = publish(alice, prompt="an unspoken salamander", title="Untold", hide_prompt=True)
    embed_texts()
    for text in ("salamander", "salam", "salamandre", '"unspoken salamander"', "amphibian"):
        assert look(text, bob).posts == look(text, mod).posts == look(text).posts == [], text
    found = look("salamander untold", alice)
    assert [shown.pk for shown in found.posts] == [post.pk]
    assert {used.how for used in found.used} == {"exact"}
    assert look("untold", bob).posts == [post]


def test_hiding_a_prompt_takes_its_words_and_meaning_out_of_search(
    encoder: Path, alice: User, publish: Publish
) -> None:
    post = publish(alice, prompt="a salamander on a stone")
    embed_texts()
    assert look("salamander").posts == [post]
    posts_services.publish_image(image=post.image, author=alice, hide_prompt=True)
    assert look("salamander").posts == look("amphibian").posts == []
    entry = SearchEntry.objects.get(pk=post.pk)
    assert (entry.text, entry.embedding) == ("", None)


def test_filters_do_not_empty_the_page(alice: User, bob: User, encoder: Path, publish_many: PublishMany) -> None:
    """600 posts of a muted member are nearer than the three that bob may see."""
    posts = publish_many(603, authors=2)
    near, far = text_embeddings.embed(["a vehicle on a road", "a vehicle in a garage full of flowers"])
    muted, kept = posts[0].author, posts[1].author
    shown = [post for post in posts if post.author_id == kept.pk][:3]
    hidden = [post for post in posts if post not in shown]
    Post.objects.filter(pk__in=[post.pk for post in hidden]).update(author=muted)
    SearchEntry.objects.bulk_create(
        SearchEntry(
            post=post, author_id=post.author_id, checkpoint_id=post.image.generation.checkpoint_id, seed=0,
            published_at=post.published_at, content_level=0, is_prompt_hidden=False, text=post.image.generation.prompt,
            embedding=(far if post in shown else near).tolist(),
        )
        for post in posts
    )  # fmt: skip
    Mute.objects.create(member=bob, kind=Mute.Kind.AUTHOR, author=muted, created_at=NOW)
    assert {post.pk for post in look("vehicle", bob).posts} == {post.pk for post in shown}


# --- pages -------------------------------------------------------------------------------------------------


def _all_pages(next_page: str, get: Callable[[str], Any]) -> Iterator[dict[str, Any]]:
    while next_page:
        page = get(next_page).json()
        yield page
        next_page = page["next"]


def test_every_result_comes_once_however_far_one_reads(
    alice: User, encoder: Path, publish_many: PublishMany, api_as: ApiAs
) -> None:
    posts = publish_many(60)
    refresh_visibility([post.pk for post in posts], NOW)
    client = api_as(alice)
    pages = list(_all_pages("/api/search/?q=picture", client.get))
    ids = [post["id"] for page in pages for post in page["results"]]
    assert len(ids) == len(set(ids)) == 60
    assert pages[0]["used"] == [{"part": "picture", "how": "exact", "words": "exact word"}]
    newest = [
        post["id"] for page in _all_pages("/api/search/?q=checkpoint:toy", client.get) for post in page["results"]
    ]
    assert newest == [post.public_id for post in sorted(posts, key=lambda post: -post.pk)]


def test_a_place_of_another_search_or_a_damaged_one_is_refused(
    alice: User, bob: User, encoder: Path, publish_many: PublishMany, as_user: As, api_as: ApiAs
) -> None:
    posts = publish_many(30)
    refresh_visibility([post.pk for post in posts], NOW)
    following = api_as(alice).get("/api/search/?q=picture").json()["next"]
    assert api_as(bob).get(following).status_code == 400
    assert api_as(alice).get(following.replace("q=picture", "q=pictures")).status_code == 400
    assert as_user(None).get("/search/?q=picture&cursor=nonsense").status_code == 400


def test_the_page_says_how_it_read_the_query_and_keeps_what_was_typed(gallery: dict[str, Post], as_user: As) -> None:
    page = as_user(None).get("/search/?q=mountian").content.decode()
    assert "searched as “mountain”" in page
    assert 'value="mountian"' in page
    assert gallery["car"].public_id in page
    bad = as_user(None).get('/search/?q=fox+seed:"<b>"')
    assert bad.status_code == 400
    assert "A seed is a whole number" in bad.content.decode()
    assert "&lt;b&gt;" in bad.content.decode()
    assert as_user(None).get("/search/").status_code == 200
    assert "No results" in as_user(None).get("/search/?q=zzzxqw").content.decode()
    assert as_user(None).get("/api/search/?q=seed:x").json()["fields"]["q"]


def test_a_search_costs_few_queries(
    gallery: dict[str, Post], bob: User, as_user: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_user(bob)
    client.get("/search/?q=fox")
    with django_assert_max_num_queries(22):
        assert client.get("/search/?q=fox+snow").status_code == 200


def test_more_like_this_is_a_strip_for_htmx_and_a_search_without_it(gallery: dict[str, Post], as_user: As) -> None:
    address = f"/p/{gallery['fox'].public_id}/like-this/"
    strip = as_user(None).get(address, headers={"HX-Request": "true"}).content.decode()
    assert gallery["hill"].public_id in strip
    assert f'/p/{gallery["fox"].public_id}/"' not in strip
    assert as_user(None).get(address)["Location"].startswith("/search/?q=like")


def test_without_the_encoder_search_goes_by_words(gallery: dict[str, Post], settings: Any, tmp_path: Path) -> None:
    settings.CHECKPOINTS_DIR = tmp_path
    assert set(titles(look("fox"), gallery)) == {"fox", "hill"}
    assert look("vehicle").used[0].how == "unused"
    assert embed_texts() == 0


def test_words_that_no_post_uses_any_more_are_forgotten(gallery: dict[str, Post], bob: User) -> None:
    posts_services.delete_post(post=gallery["hill"], author=bob)
    relearn_words()
    assert look("greey").used[0].how != "typo"
    assert look("mountian").used[0].how == "typo"


def test_a_word_of_a_higher_level_is_no_guess_for_others(
    encoder: Path, alice: User, bob: User, publish: Publish
) -> None:
    publish(alice, prompt="a bloodstained meadow", content_level=ContentLevel.SENSITIVE)
    embed_texts()
    assert look("bloodstainde", bob).used[0].how != "typo"
    bob.max_level = ContentLevel.SENSITIVE
    bob.save()
    assert look("bloodstainde", bob).used[0].how == "typo"
