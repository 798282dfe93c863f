"""Prompt sets as they are published, read into one form and frozen under a hash. Pure but for `import_prompts`."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from generation.models import Generation
from lib.errors import Refused
from ratings.benchmarks.models import BenchmarkPrompt, PromptSet

MOST_PROMPTS = 50_000
LONGEST = Generation._meta.get_field("prompt").max_length or 2000
BATCH = 1_000
PARTI = ("Prompt", "Category", "Challenge", "Note")


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    category: str = ""
    challenge: str = ""
    note: str = ""
    name: str = ""


def read_prompts(text: str, form: str) -> list[Prompt]:
    """The prompts of a file in the order they stand in it.

    parti: the TSV of PartiPrompts. mjhq: `meta_data.json` of MJHQ-30K, {id: {"prompt", "category", …}}. table: CSV or
    TSV with a `prompt` column, or a line of JSON each with `prompt`; `category`, `challenge`, `note` and `name` (or
    `id`) are read where they are. Raises Refused, naming the line, for what cannot be read.
    """
    readers = {"parti": _parti, "mjhq": _mjhq, "table": _table}
    if form not in readers:
        raise _unread(_("The form is one of %(forms)s.") % {"forms": ", ".join(readers)})
    found = []
    for number, prompt in enumerate(readers[form](text), start=1):
        if not prompt.text or len(prompt.text) > LONGEST:
            wrong = _("Prompt %(number)d is empty or has more than %(most)d characters.")
            raise _unread(wrong % {"number": number, "most": LONGEST})
        found.append(prompt)
        if number > MOST_PROMPTS:
            raise _unread(_("A prompt set has at most %(most)d prompts.") % {"most": MOST_PROMPTS})
    if not found:
        raise _unread(_("There is no prompt in this file."))
    return found


def _unread(message: str) -> Refused:
    return Refused("bad_prompts", message, fields={"file": [message]})


def _parti(text: str) -> Iterator[Prompt]:
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not set(PARTI[:2]) <= set(rows.fieldnames or ()):
        raise _unread(_("PartiPrompts begin with the columns %(columns)s.") % {"columns": ", ".join(PARTI)})
    for row in rows:
        values = [(row.get(name) or "").strip() for name in PARTI]
        yield Prompt(values[0], values[1][:64], values[2][:64], values[3][:500])


def _mjhq(text: str) -> Iterator[Prompt]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise _unread(_("This is no JSON: %(error)s") % {"error": error}) from None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) and "prompt" in row for row in rows.values()):
        raise _unread(_("meta_data.json is an object of objects with a prompt each."))
    for name, row in rows.items():
        yield Prompt(str(row["prompt"]).strip(), str(row.get("category", ""))[:64], name=str(name)[:64])


def _table(text: str) -> Iterator[Prompt]:
    first = text.lstrip("\ufeff \r\n").partition("\n")[0]
    rows: Iterable[Mapping[str, Any]]
    if first.startswith("{"):
        rows = _json_lines(text)
    else:
        delimiter = "\t" if "\t" in first else ","
        rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
    for number, row in enumerate(rows, start=1):
        values = {str(key).strip().lower(): str(value or "").strip() for key, value in row.items() if key is not None}
        if "prompt" not in values:
            raise _unread(_("Row %(number)d has no prompt column.") % {"number": number})
        name = values.get("name") or values.get("id", "")
        yield Prompt(
            values["prompt"],
            values.get("category", "")[:64],
            values.get("challenge", "")[:64],
            values.get("note", "")[:500],
            name[:64],
        )


def _json_lines(text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):  # JSON does not escape other separators of lines
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                row = None
            if not isinstance(row, dict):
                raise _unread(_("Line %(number)d is no JSON object.") % {"number": number})
            yield row


def to_lines(prompts: Iterable[Prompt]) -> str:
    """The one form: a line of canonical JSON for each prompt. Reading it as a table gives the same prompts."""
    return "".join(f"{_canonical(prompt)}\n" for prompt in prompts)


def _canonical(prompt: Prompt) -> str:
    values = asdict(prompt)
    row = {"prompt": values.pop("text"), **values}
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def hash_of(prompts: Iterable[Prompt]) -> str:
    """SHA-256 of `to_lines`: the same prompts in the same order have the same hash, whatever file they came in."""
    return hashlib.sha256(to_lines(prompts).encode()).hexdigest()


def prompts_of(prompt_set: PromptSet) -> list[Prompt]:
    rows = prompt_set.prompts.order_by("number").values_list("text", "category", "challenge", "note", "name")
    return [Prompt(*row) for row in rows]


@transaction.atomic
def import_prompts(*, slug: str, name: str, form: str, text: str, at: datetime) -> PromptSet:
    """Freezes a prompt set. The same prompts again bring back the set they made; another set of that slug is refused.

    Raises Refused: "bad_prompts" (see `read_prompts`), "slug_taken" (409).
    """
    prompts = read_prompts(text, form)
    sha256 = hash_of(prompts)
    earlier = PromptSet.objects.filter(sha256=sha256).first()
    if earlier is not None:
        return earlier
    if PromptSet.objects.filter(slug=slug).exists():
        message = _("Another prompt set is called “%(slug)s”; a frozen set is never changed. Choose another name.")
        raise Refused("slug_taken", message % {"slug": slug}, status=409)
    made = PromptSet.objects.create(slug=slug, name=name or slug, form=form, sha256=sha256, created_at=at)
    rows = (BenchmarkPrompt(prompt_set=made, number=number, **asdict(prompt)) for number, prompt in enumerate(prompts))
    BenchmarkPrompt.objects.bulk_create(rows, batch_size=BATCH)
    return made
