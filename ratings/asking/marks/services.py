"""Region marks: one picture, and the question where it is wrong."""

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, level_for
from feed.screened_text import clean_text
from generation.models import Image
from lib.errors import Refused
from lib.text.regex import compile_linear
from moderation.screening.services import TextKind
from ratings.asking import ledger, sampling
from ratings.asking.drawing import Drawing, Offer, ask_fields, certainly, draw
from ratings.asking.marks.models import RegionMark
from ratings.asking.models import Ask, AskOutcome, Question, Surface
from ratings.asking.pools import EligiblePairs
from ratings.asking.sampling import Candidate
from ratings.asking.services import check_about, refusal_of, refused_ask
from ratings.asking.tokens import open_token

MOST_MARKS = 20
LONGEST_WORD = 40
LONGEST_WORDS = MOST_MARKS * (LONGEST_WORD + 1)  # of an answer, screened at once as they are published
DIGITS = 4  # of a coordinate: finer than a pixel of any picture
# Letters, spaces, hyphens and apostrophes: words are published, and nothing else can hold an address or a number.
WORD = compile_linear(r"^\pL[\pL\pM\pZ'’-]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """A marked place: shares of the picture's width and height, 0…1, and a word of what is wrong or ""."""

    x: float
    y: float
    word: str = ""


def draw_marking(*, rater: User, at: datetime | None = None, rng: random.Random | None = None) -> Ask | None:
    """The next picture to mark: the one left open, else a new draw; None where no picture is left.

    Raises Refused like `draw_comparison`.
    """
    return draw(Ask.objects.filter(surface=Surface.MARKS), certainly(offer_marking), rater=rater, at=at, rng=rng)


def offer_marking(drawing: Drawing, found: EligiblePairs) -> Offer | None:
    """Draws the question, each alike, and a picture by others that the member has not marked; None if there is none.

    As of pairs, some pictures are shown to several members, until enough of them have answered.
    """
    marked = set(Ask.objects.filter(rater=drawing.rater, surface=Surface.MARKS).values_list("image", flat=True))
    shown = [each.id for each in found.pictures if not (each.is_own or each.is_counterpart) and each.id not in marked]
    questions = {question.slug: question for question in Question.objects.active().on_regions().order_by("pk")}
    if not shown or not questions:
        return None
    slug, p_question = sampling.choose(dict.fromkeys(questions, 1 / len(questions)), drawing.rng)
    candidates = _candidates(shown[: drawing.parameters.pool_size], slug)
    chances = sampling.pair_probabilities(drawing.parameters, candidates)
    index = drawing.rng.choices(range(len(candidates)), chances)[0]
    return partial(_create_ask, drawing, candidates[index].low, questions[slug], p_question, chances[index])


def _candidates(images: Sequence[int], question: str) -> list[Candidate]:
    """The pictures with how many members answered this question about each."""
    answered = Ask.objects.filter(image__in=images, surface=Surface.MARKS, outcome=AskOutcome.ANSWERED)
    rows = answered.filter(question__slug=question).values_list("image").annotate(raters=Count("rater"))
    raters = dict(rows)
    return [Candidate(image, image, raters.get(image, 0)) for image in images]


def _create_ask(
    drawing: Drawing, image: int, question: Question, p_question: float, p_picture: float, p_ask: float
) -> Ask:
    shown = Image.objects.get(pk=image)
    fields = ask_fields(drawing, Surface.MARKS, question)
    chances = {"p_ask": p_ask, "p_question": p_question, "p_pair": p_picture}
    return Ask.objects.create(**fields, **chances, image=shown, rater_is_author=False)


def answer_marking(
    *,
    token: str,
    rater: User,
    places: Sequence[Place],
    dwell_ms: int | None = None,
    about: Collection[str] = (),
    at: datetime | None = None,
) -> Ask:
    """Stores the marked places; none means that nothing is wrong. Idempotent for the same places.

    Raises:
        Refused: 400 for too many places, one outside the picture, or a word that is no word; else as `answer_ask`.
    """
    at = at or timezone.now()
    claim = open_token(token, rater=rater)
    places = [_checked(place) for place in places]
    if len(places) > MOST_MARKS or len(claim.subject) != 1:
        sentence = _("At most %(most)s places.") % {"most": MOST_MARKS}
        raise Refused("bad_marks", sentence, fields={"marks": [sentence]})
    check_about(claim, token, rater, about)
    words = " ".join(place.word for place in places if place.word)
    clean_text(words, kind=TextKind.TITLE, field="marks", max_length=LONGEST_WORDS, author=rater, at=at)
    rows = [asdict(place) | {"number": number} for number, place in enumerate(places, start=1)]
    is_stored = ledger.store_marks(
        ask=claim.ask,
        rater=rater.pk,
        level=level_for(rater),
        image=claim.subject[0],
        marks=json.dumps(rows or [{"number": 0, "word": ""}]),
        dwell_ms=dwell_ms,
        at=at,
    )
    if is_stored:
        return Ask.objects.get(public_id=claim.ask)
    ask = refused_ask(token, rater, at)
    if ask.surface == Surface.MARKS and ask.outcome == AskOutcome.ANSWERED and places_of(ask) == places:
        return ask
    raise refusal_of(ask, at)


def places_of(ask: Ask) -> list[Place]:
    """What was marked, in the order it was; empty where nothing was."""
    rows = RegionMark.objects.filter(ask=ask, number__gt=0).order_by("number").values_list("x", "y", "word")
    return [Place(x or 0.0, y or 0.0, word) for x, y, word in rows]


def _checked(place: Place) -> Place:
    """The place with rounded coordinates. Raises Refused."""
    if not (0 <= place.x <= 1 and 0 <= place.y <= 1):  # NaN is neither
        sentence = _("Every place must be in the picture.")
        raise Refused("bad_marks", sentence, fields={"marks": [sentence]})
    word = place.word.strip()
    if word and (len(word) > LONGEST_WORD or not WORD.search(word)):
        sentence = _("A word or two, of letters only.")
        raise Refused("bad_marks", sentence, fields={"marks": [sentence]})
    return Place(round(place.x, DIGITS), round(place.y, DIGITS), word)
