"""Proposes a richer prompt: the member sees what was added, and takes it or not.

Without a language model, what is added are phrases that the community's published prompts use beside the same words.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from generation.models import PromptExample
from generation.prompts.sharing import telling_words
from lib.limits import check_rate
from lib.text import count_units, normalise_text
from moderation.models import Screening
from moderation.screening.services import screen_text

EXAMPLES = 5000  # the newest published prompts
SHOWN_TO_MODEL = 20
MOST_ADDED = 4
MOST_WORDS = 6  # of a phrase: a longer one is somebody's own sentence
REQUESTS_A_MINUTE = 30
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Expansion:
    """`prompt` as it was, `expanded` with the phrases `added`; `source` is ``community`` or ``model``."""

    prompt: str
    expanded: str
    added: tuple[str, ...] = ()
    source: str = "community"


def expand_prompt(*, prompt: str, member: User, longest: int) -> Expansion:
    """A proposal of at most `longest` UTF-16 units; the prompt as it is where nothing fits, or moderation objects.

    Raises:
        Refused: "too_many" (429).
    """
    check_rate(key=f"expand:{member.pk}", limit=REQUESTS_A_MINUTE, seconds=60)
    prompt = normalise_text(prompt)
    rows = list(PromptExample.objects.order_by("-pk").values_list("prompt", "image__author")[:EXAMPLES])
    proposal = (_by_model(prompt, rows) if settings.PROMPT_EXPANDER else None) or _by_community(prompt, rows)
    is_fine = screen_text(text=proposal.expanded, kind="prompt").verdict == Screening.Verdict.ALLOW
    return proposal if is_fine and count_units(proposal.expanded) <= longest else Expansion(prompt, prompt)


def _by_model(prompt: str, rows: Sequence[tuple[str, int]]) -> Expansion | None:
    """What the language model that settings name proposes; None where it fails or says nothing new."""
    near = sorted(rows, key=lambda row: -len(telling_words(prompt) & telling_words(row[0])))[:SHOWN_TO_MODEL]
    try:
        answer = import_string(settings.PROMPT_EXPANDER)(prompt, [text for text, _author in near])
    except Exception:  # whatever an operator's function raises: the community's words serve as well
        log.exception("prompt_expander_failed")
        return None
    expanded = normalise_text(str(answer))
    return Expansion(prompt, expanded, source="model") if expanded and expanded != prompt else None


def _by_community(prompt: str, rows: Sequence[tuple[str, int]]) -> Expansion:
    added = fitting_phrases(prompt, rows)
    return Expansion(prompt, ", ".join(filter(None, (prompt.rstrip(" ,."), *added))), added) if added else Expansion(
        prompt, prompt
    )  # fmt: skip


def fitting_phrases(prompt: str, rows: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Phrases between commas that at least two members use, and one beside words of this prompt; the likest first.

    Args:
        rows: published prompts and their authors' ids.
    """
    own = telling_words(prompt)
    authors: defaultdict[str, set[int]] = defaultdict(set)
    scores: Counter[str] = Counter()
    for text, author in rows:
        shared = len(own & telling_words(text))
        for phrase in {_plain(each) for each in text.split(",")[1:]}:
            if phrase and len(phrase.split()) <= MOST_WORDS and not telling_words(phrase) <= own:
                authors[phrase].add(author)
                scores[phrase] += 1 + 1000 * shared  # how often it is used decides between those that are alike
    fitting = (phrase for phrase in scores if len(authors[phrase]) >= 2 and scores[phrase] > 1000)
    chosen: list[str] = []
    for phrase in sorted(fitting, key=lambda each: (-scores[each], each)):
        if len(chosen) < MOST_ADDED and not telling_words(phrase) & telling_words(" ".join(chosen)):
            chosen.append(phrase)
    return tuple(chosen)


def _plain(phrase: str) -> str:
    """In small letters and without the marks of weights, which belong to one prompt."""
    return "" if set(phrase) & set("()[]<>:") else " ".join(phrase.lower().strip(" .").split())
