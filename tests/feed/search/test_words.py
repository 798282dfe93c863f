"""One tokeniser: what somebody reads is found, left out, muted and tagged by the same word, in every script."""

from contextlib import suppress

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from feed.comments.services import post_comment
from feed.members import services as members_services
from feed.models import Post, PostTag, PostWords, SearchEntry, Tag
from feed.posts import services as posts_services
from feed.rates import unlimited
from feed.search.query_language import parse
from feed.search.results import read_results
from feed.tags.normalisation import normalise_tag
from lib.errors import Refused
from lib.text import cut_parts, words_of
from tests.conftest import ApiAs
from tests.feed.conftest import Publish

# A title, and a word that somebody reads in it.
SCRIPTS = {
    "Latin": ("Élan d'été", "ÉTÉ"), "Turkish": ("Gece İstanbul", "istanbul"), "German": ("Große STRASSE", "straße"),
    "Greek": ("Η ΟΔΟΣ του φωτός", "οδος"), "Cyrillic": ("Зимняя НОЧЬ", "ночь"),
    "Armenian": ("Կապույտ աղվես", "ԱՂՎԵՍ"),
    "Georgian": ("ლურჯი მელა", "მელა"), "Hebrew": ("שָׁלוֹם עולם", "שלום"), "Arabic": ("لوحة مُحَمَّد", "محمد"),
    "Persian": ("یک نرم‌افزار تازه", "نرم‌افزار"), "Devanagari": ("लाल लोमड़ी", "लोमड़ी"),
    "Bengali": ("লাল শিয়াল", "শিয়াল"),
    "Gurmukhi": ("ਲਾਲ ਲੂੰਬੜੀ", "ਲੂੰਬੜੀ"), "Gujarati": ("લાલ શિયાળ", "શિયાળ"), "Tamil": ("சிவப்பு பூனை", "பூனை"),
    "Telugu": ("ఎర్ర నక్క", "నక్క"), "Kannada": ("ಕೆಂಪು ನರಿ", "ನರಿ"), "Malayalam": ("എന്റെ മലയാളം", "മലയാളം"),
    "Sinhala": ("රතු නරියා", "නරියා"), "Thai": ("สุนัขจิ้งจอกสีแดง", "จิ้งจอก"), "Lao": ("ໝາຈິ້ງຈອກ", "ຈິ້ງຈອກ"),
    "Khmer": ("ភាសាខ្មែរ", "ខ្មែរ"), "Myanmar": ("မြေခွေးနီ", "ခွေး"), "Tibetan": ("ཝ་མོ་དམར་པོ", "དམར"),
    "Ethiopic": ("ቀይ ቀበሮ", "ቀበሮ"), "Chinese": ("紅色的狐狸", "狐狸"), "Japanese": ("美しい海と狐", "海"),
    "Korean": ("빨간 여우가 달린다", "여우"), "Emoji": ("A den 🦊", "🦊"), "Family": ("At home 👨‍👩‍👧", "👨‍👩‍👧"),
    "Programming": ("Written in C++", "c++"), "Sharp": ("Made with C#", "c#"),
    "Decomposed": ("Un e\u0301te chaud", "\u00e9te"),
    "Hyphen": ("An arctic-fox cub", "fox"), "Possessive": ("The wolf's den", "wolf"),
    "Full width": ("ＷＩＤＥ letters", "wide"),
    "Soft hyphen": ("A moun\u00adtain", "mountain"), "Zero width": ("A har\u200bbour", "harbour"),
}  # fmt: skip
NOW = timezone.now()


def test_the_same_words_are_found_left_out_and_muted_in_every_script(alice: User, bob: User, publish: Publish) -> None:
    assert len(SCRIPTS) > 20
    with unlimited():
        posts = {name: publish(alice, prompt="", title=title) for name, (title, _word) in SCRIPTS.items()}
    wrong = []
    for name, (title, word) in SCRIPTS.items():
        post = posts[name]
        result = read_results(parse(word), bob, at=timezone.now())
        if post not in result.posts or result.used[0].how != "exact":
            wrong.append(f"{name}: {word} is not found in {title}")
        if post in read_results(parse(f"-{word}"), bob, at=timezone.now(), size=100).posts:
            wrong.append(f"{name}: -{word} does not leave out {title}")
        with unlimited():
            muted = members_services.mute(member=bob, kind="word", value=word)
        if Post.objects.listed_for(bob, timezone.now()).filter(pk=post.pk).exists():
            wrong.append(f"{name}: {title} is shown to somebody who muted {word}")
        muted.delete()
        if not Post.objects.listed_for(bob, timezone.now()).filter(pk=post.pk).exists():
            wrong.append(f"{name}: {title} is hidden without a reason")
    assert wrong == []


def test_postgresql_holds_the_words_that_python_cuts(db: None) -> None:
    """Each word is one lexeme at its own position: PostgreSQL cuts nothing itself."""
    for title, _word in SCRIPTS.values():
        words = words_of(title)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT max(at) FROM unnest(salon_lexemes(%s)) lexeme, unnest(lexeme.positions) at",
                [cut_parts([title])],
            )
            (last,) = cursor.fetchone()
            cursor.execute("SELECT count(*) FROM unnest(%s::text[]) word WHERE salon_lexeme(word) <> ''", [words])
            (indexed,) = cursor.fetchone()
        assert indexed > 0, title
        assert last <= len(words) + 1, title


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("हिन्दी", "हिन्दी"), ("ทวิต", "ทวิต"), ("தமிழ்", "தமிழ்"), ("İstanbul", "istanbul"),
    ("نرم‌افزار", "نرم‌افزار"),
        ("🦊", "🦊"), ("C++", "c++"), ("#C#", "c#"), ("狐狸", "狐狸"), ("Don’t", "don't"), ("sci-fi", "sci-fi"),
        ("f\u200co\u200dx", "fox"), ("❤️", "❤"), ("🏳️‍🌈", "🏳‍🌈"), ("น้ำ", "น้ำ"), ("ＡＢＣ", "abc"), ("👍🏽", "👍🏽"),
    ],
)  # fmt: skip
def test_a_tag_keeps_its_letters_marks_and_joiners(written: str, spelled: str) -> None:
    assert normalise_tag(written) == spelled == normalise_tag(spelled)


def test_what_leaves_nothing_of_a_tag_is_refused_in_a_sentence(alice: User, publish: Publish, api_as: ApiAs) -> None:
    post = publish(alice)
    answer = api_as(alice).put(f"/api/posts/{post.public_id}/tags/", {"tags": ["fox", "!!!"]})
    assert answer.status_code == 400
    assert "!!!" in answer.json()["fields"]["tags"][0]
    assert not PostTag.objects.exists()


def test_a_phrase_does_not_reach_from_the_title_into_a_tag(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, prompt="blue sea", title="A red")
    posts_services.tag_post(post=post, author=alice, tags=["fox"])
    assert read_results(parse('"red fox"'), bob, at=timezone.now()).posts == []
    assert read_results(parse('"a red"'), bob, at=timezone.now()).posts == [post]
    members_services.mute(member=bob, kind="word", value="red fox")
    assert Post.objects.listed_for(bob, timezone.now()).filter(pk=post.pk).exists()


def test_muted_words_follow_every_change_of_a_post(alice: User, bob: User, publish: Publish) -> None:
    post = publish(alice, prompt="a den", title="Den")
    members_services.mute(member=bob, kind="word", value="लोमड़ी")
    listed = Post.objects.listed_for(bob, timezone.now()).filter(pk=post.pk)
    assert listed.exists()
    posts_services.tag_post(post=post, author=alice, tags=["लोमड़ी"])
    assert not listed.exists()
    posts_services.tag_post(post=post, author=alice, tags=[])
    assert listed.exists()
    posts_services.publish_image(image=post.image, author=alice, title="लाल लोमड़ी")
    assert not listed.exists()
    posts_services.delete_post(post=post, author=alice)
    assert not PostWords.objects.filter(pk=post.pk).exists(), "the words of a deleted post are forgotten"


def test_a_comment_with_a_muted_word_is_not_shown(alice: User, bob: User, publish: Publish) -> None:
    comment = post_comment(post=publish(alice), author=alice, text="यह लोमड़ी है")
    readable = type(comment).objects.readable_by(bob, timezone.now())
    assert readable.exists()
    members_services.mute(member=bob, kind="word", value="लोमड़ी")
    assert not readable.all().exists()


@pytest.mark.parametrize("value", ["!!!", "\u202e", " ", "\u200b\u3164"])
def test_a_mute_without_a_word_is_refused(value: str, bob: User, api_as: ApiAs) -> None:
    answer = api_as(bob).post("/api/mutes/", {"kind": "word", "value": value, "effect": "hide"})
    assert answer.status_code == 400
    assert "value" in answer.json()["fields"]


def test_words_that_an_earlier_version_cut_are_cut_again(alice: User, bob: User, publish: Publish) -> None:
    """As an update leaves them: posts without words, an index without lexemes, mutes and comments without a cut."""
    from django.core.management import call_command

    post = publish(alice, title="狐狸")
    comment = post_comment(post=post, author=alice, text="狐狸")
    muted = members_services.mute(member=bob, kind="word", value="狐狸")
    PostWords.objects.all().delete()
    SearchEntry.objects.update(lexemes=None)
    type(muted).objects.update(words="")
    type(comment).objects.update(words="")
    old = Tag.objects.create(name="b--w")
    for _again in range(2):
        call_command("index_search")
        assert read_results(parse("狐狸"), alice, at=timezone.now()).posts == [post]
        assert not Post.objects.listed_for(bob, timezone.now()).exists()
        assert not type(comment).objects.readable_by(bob, timezone.now()).exists()
        old.refresh_from_db()
        assert old.name == "b-w"


@pytest.mark.parametrize(
    "query", ["the", '"the"', "-the", "a the of", "'", "\\", "fox:*", "a & b", "!x", "<->", "c++:*"]
)
def test_no_word_is_syntax_of_postgresql(query: str, alice: User, publish: Publish) -> None:
    publish(alice, title="A fox")
    with suppress(Refused):
        read_results(parse(query), alice, at=timezone.now())
