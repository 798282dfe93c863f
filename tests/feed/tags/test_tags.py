"""Tags: one spelling each, aliases, suggestions that pass the filter."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Role, User
from feed.models import Post, PostTag, Tag
from feed.posts import services as posts_services
from feed.tags import services as tags_services
from feed.tags.normalisation import normalise_tag
from lib.errors import Refused
from moderation.models import Screening
from tests.conftest import ApiAs, As, MakeMember
from tests.feed.conftest import Publish
from tests.generation.fixtures import MakeImage

NOW = timezone.now()


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("#Night  Sky!", "night sky"),
        ("Émile’s_cat", "émile's cat"),
        ("ｗｉｄｅ", "wide"),
        ("black-and-white", "black-and-white"),
        ("ночь", "ночь"),
        (" ,;", ""),
    ],
)
def test_a_tag_has_one_spelling(written: str, normal: str) -> None:
    assert normalise_tag(written) == normal == normalise_tag(normal)


def test_publishing_sets_tags_and_publishing_again_changes_them(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice)
    post = posts_services.publish_image(image=image, author=alice, tags=["Sea", "#sea", "night sky"])
    assert tags_services.tags_of(post.pk) == ["night sky", "sea"]
    posts_services.publish_image(image=image, author=alice)
    assert tags_services.tags_of(post.pk) == ["night sky", "sea"]
    posts_services.publish_image(image=image, author=alice, tags=["sea", "storm"])
    assert tags_services.tags_of(post.pk) == ["sea", "storm"]


@pytest.mark.parametrize("tags", [[f"tag {n}" for n in range(13)], ["x" * 41]])
def test_too_many_or_too_long_tags_are_refused_by_field(tags: list[str], alice: User, make_image: MakeImage) -> None:
    with pytest.raises(Refused) as refused:
        posts_services.publish_image(image=make_image(alice), author=alice, tags=tags)
    assert "tags" in refused.value.fields
    assert not Post.objects.exists()


def test_tags_are_screened(alice: User, publish: Publish) -> None:
    post = publish(alice)
    with pytest.raises(Refused) as refused:
        posts_services.tag_post(post=post, author=alice, tags=["sea", "fuck"])
    assert "tags" in refused.value.fields
    assert Screening.objects.filter(author=alice).exists()
    assert not Tag.objects.exists()


def test_nobody_tags_the_post_of_another(alice: User, mallory: User, publish: Publish, api_as: ApiAs) -> None:
    post = publish(alice)
    assert api_as(mallory).put(f"/api/posts/{post.public_id}/tags/", {"tags": ["mine"]}).status_code == 404
    assert api_as(None).put(f"/api/posts/{post.public_id}/tags/", {"tags": ["mine"]}).status_code == 401
    assert not PostTag.objects.exists()


def test_an_alias_moves_its_posts_and_is_followed(alice: User, publish: Publish) -> None:
    first, both = publish(alice), publish(alice)
    posts_services.tag_post(post=first, author=alice, tags=["b&w"])
    posts_services.tag_post(post=both, author=alice, tags=["b&w", "monochrome"])
    alias, tag = Tag.objects.get(name="b w"), Tag.objects.get(name="monochrome")
    posts_services.alias_tag(alias=alias, tag=tag)
    assert set(Post.objects.tagged(tag)) == {first, both}
    assert tags_services.tags_of(both.pk) == ["monochrome"]
    third = publish(alice)
    posts_services.tag_post(post=third, author=alice, tags=["B&W"])
    assert tags_services.tags_of(third.pk) == ["monochrome"]
    assert tags_services.find_tag("b&w") == tag


def test_aliases_never_form_a_chain_or_a_circle(db: None) -> None:
    one, two, three = (Tag.objects.create(name=name) for name in ("one", "two", "three"))
    posts_services.alias_tag(alias=one, tag=two)
    posts_services.alias_tag(alias=two, tag=three)
    assert {tag.alias_of_id for tag in Tag.objects.filter(name__in=["one", "two"])} == {three.pk}
    with pytest.raises(Refused):
        posts_services.alias_tag(alias=three, tag=one)


def test_staff_make_aliases_in_the_admin(alice: User, make_member: MakeMember, as_user: As) -> None:
    staff = make_member("stan", Role.STAFF, is_staff=True, is_superuser=True)
    one, two = Tag.objects.create(name="one"), Tag.objects.create(name="two")
    answer = as_user(staff).post(f"/admin/feed/tag/{one.pk}/change/", {"alias_of": two.pk})
    assert answer.status_code == 302
    one.refresh_from_db()
    assert one.alias_of == two


def test_suggestions_are_the_most_used_and_follow_aliases(alice: User, bob: User, publish: Publish) -> None:
    for tags in (["night sky", "night"], ["night sky"], ["nebula"]):
        posts_services.tag_post(post=publish(alice), author=alice, tags=tags)
    posts_services.alias_tag(alias=Tag.objects.create(name="nightsky"), tag=Tag.objects.get(name="night sky"))
    assert tags_services.count_tags() == 3
    assert tags_services.count_tags() == 0
    posts = Post.objects.listed_for(bob, NOW)
    assert tags_services.suggest_tags(beginning="#NI", posts=posts) == [
        "night sky",
        "night",
    ]
    assert tags_services.suggest_tags(beginning="nights", posts=posts) == ["night sky"]
    assert tags_services.suggest_from_prompt(prompt="A night sky, red", posts=posts) == [
        "night sky",
        "night",
    ]


def test_a_tag_of_hidden_posts_alone_is_not_suggested(alice: User, bob: User, publish: Publish, as_user: As) -> None:
    post = publish(alice)
    posts_services.tag_post(post=post, author=alice, tags=["zebra"])
    assert as_user(bob).get("/tags/suggest/?q=ze").json() == {"tags": ["zebra"]}
    posts_services.unpublish_post(post=post, author=alice)
    assert as_user(bob).get("/tags/suggest/?q=ze").json() == {"tags": []}


def test_suggesting_costs_two_queries(
    alice: User, bob: User, publish: Publish, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    posts_services.tag_post(post=publish(alice), author=alice, tags=["aa", "ab", "ac"])
    posts = Post.objects.listed_for(bob, NOW)
    with django_assert_max_num_queries(2):
        assert len(tags_services.suggest_tags(beginning="a", posts=posts)) == 3


def test_the_form_keeps_what_was_typed_and_the_post_shows_its_tags(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    refused = as_user(alice).post(f"/publish/{image.public_id}/", {"tags": "sea, " + "x" * 50})
    assert refused.status_code == 422
    assert "sea, xxx" in refused.content.decode()
    done = as_user(alice).post(f"/publish/{image.public_id}/", {"tags": "sea, Night Sky, "}, follow=True)
    page = done.content.decode()
    assert "?tag=night%20sky" in page
    assert "?tag=sea" in page
    assert 'value="night sky, sea"' in as_user(alice).get(f"/publish/{image.public_id}/").content.decode()


def test_the_api_publishes_with_tags(alice: User, make_image: MakeImage, api_as: ApiAs) -> None:
    made = api_as(alice).post("/api/posts/", {"image": make_image(alice).public_id, "tags": ["Sea"]}).json()
    assert api_as(None).get(f"/api/posts/{made['id']}/tags/").json() == {"tags": ["sea"]}
    assert api_as(alice).put(f"/api/posts/{made['id']}/tags/", {"tags": []}).json() == {"tags": []}
