"""The metadata of a folder of pictures, as Hugging Face's “imagefolder” has it. Pure.

A line for each picture, in `metadata.csv` or `metadata.jsonl`: `file_name`, `prompt`, `model`, and `seed` if there is
one. Other columns are left out. https://huggingface.co/docs/datasets/image_dataset
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from generation.validation import MAX_SEED
from lib.errors import Refused
from ratings.benchmarks.prompts import LONGEST

MOST_PICTURES = 5_000
MOST_MODELS = 50
LONGEST_MODEL = 120
LONGEST_FILE = 500
COLUMNS = ("file_name", "prompt", "model")


@dataclass(frozen=True, slots=True)
class Row:
    """A picture: the line of the metadata that names it, its file in the archive, and what it was made with."""

    line: int
    file: str
    prompt: str
    model: str
    seed: int = 0


def bad_archive(message: str) -> Refused:
    return Refused("bad_archive", message, fields={"archive": [message]})


def bad_line(line: int, message: str) -> Refused:
    return bad_archive(_("Line %(line)d of the metadata: %(message)s") % {"line": line, "message": message})


def read_rows(name: str, data: bytes, folder: str) -> list[Row]:
    """The rows of `metadata.csv` or `metadata.jsonl`, which lies in `folder` of the archive ("" at its top).

    Raises Refused, naming the line, for what cannot be read, too many pictures or models, and what is there twice.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_archive(_("%(name)s is not text in UTF-8. Save it so.") % {"name": name}) from None
    rows: list[Row] = []
    files: dict[str, int] = {}
    keys: dict[tuple[str, int, str], int] = {}
    for line, values in (_json_lines if name.endswith(".jsonl") else _table)(text):
        if len(rows) == MOST_PICTURES:
            raise bad_line(line, _("a campaign has at most %(n)d pictures.") % {"n": MOST_PICTURES})
        row = _row(line, values, folder)
        if (earlier := files.setdefault(row.file, line)) != line:
            raise bad_line(line, _("line %(n)d names the same picture.") % {"n": earlier})
        if (earlier := keys.setdefault((row.prompt, row.seed, row.model), line)) != line:
            message = _("line %(n)d has the same prompt, model and seed. Give each picture a seed of its own.")
            raise bad_line(line, message % {"n": earlier})
        rows.append(row)
    if not rows:
        raise bad_archive(_("%(name)s names no picture.") % {"name": name})
    if len({row.model for row in rows}) > MOST_MODELS:
        raise bad_archive(_("A campaign has at most %(n)d models.") % {"n": MOST_MODELS})
    return rows


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, each in enumerate(text.split("\n"), start=1):
        if each.strip():
            try:
                values = json.loads(each)
            except (ValueError, RecursionError):
                values = None
            if not isinstance(values, dict):
                raise bad_line(line, _("this is no JSON object."))
            yield line, values


def _table(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for values in reader:
            yield reader.line_num, values
    except csv.Error as error:
        raise bad_line(reader.line_num + 1, _("this is no CSV: %(error)s") % {"error": error}) from None


def _row(line: int, values: Mapping[str, Any], folder: str) -> Row:
    """A row whose values can be stored."""
    texts = {name: values.get(name) for name in COLUMNS}
    missing = [name for name, value in texts.items() if not isinstance(value, str) or not value.strip()]
    if missing:
        message = _("%(names)s is missing. The columns are file_name, prompt, model and, if you like, seed.")
        raise bad_line(line, message % {"names": ", ".join(missing)})
    file, prompt, model = (str(texts[name]).strip() for name in COLUMNS)
    if file.startswith("/") or "\\" in file or ".." in file.split("/"):
        message = _("“%(name)s” leads out of the folder. Names stay inside it, with / between their parts.")
        raise bad_line(line, message % {"name": file[:100]})
    if len(file) > LONGEST_FILE:
        raise bad_line(line, _("the name of the file has more than %(n)d characters.") % {"n": LONGEST_FILE})
    if len(prompt) > LONGEST:
        raise bad_line(line, _("the prompt has more than %(n)d characters.") % {"n": LONGEST})
    if not _is_storable(prompt):
        raise bad_line(line, _("the prompt has characters that no text has."))
    if len(model) > LONGEST_MODEL or not model.isprintable():
        message = _("the name of a model has at most %(n)d characters, on one line. Shorten it.")
        raise bad_line(line, message % {"n": LONGEST_MODEL})
    inside = "/".join(part for part in file.split("/") if part not in ("", "."))
    return Row(line, f"{folder}/{inside}" if folder else inside, prompt, model, _seed(line, values.get("seed")))


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL stores it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _seed(line: int, value: object) -> int:
    """0 where there is none."""
    text = "" if value is None else str(value).strip()
    if not text:
        return 0
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED))
    if isinstance(value, bool) or not is_number or int(text) > MAX_SEED:
        raise bad_line(line, _("the seed is a whole number from 0 to %(n)d.") % {"n": MAX_SEED})
    return int(text)
