"""How the time of everything that reads strangers' text grows with its length, on texts made to be slow.

    python -m benchmarks.patterns [--quick]

Every reader gets every hostile text at 1,000, 10,000 and 100,000 characters. Linear work takes ten times as long for
ten times the text; an exponential or square pattern takes a hundred times as long, or never ends. Time is the
processor's for this process alone. The last line is JSON: `growth` is the largest factor from 10,000 to 100,000, and
`slowest_ms` the longest time of all at 100,000.
"""

import argparse
import gc
import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")

import django

django.setup()

from django.core.exceptions import ValidationError  # noqa: E402

from feed.search.query_language import parse  # noqa: E402
from feed.styles.clustering import style_words  # noqa: E402
from generation.infotext.a1111 import read_infotext  # noqa: E402
from generation.infotext.reading import read_recipe  # noqa: E402
from generation.prompts.sharing import shared_words  # noqa: E402
from generation.prompts.weights import plain_text, read_weights  # noqa: E402
from lib.errors import Refused  # noqa: E402
from lib.text import normalise_line, normalise_text, spell_words, words_of  # noqa: E402
from lib.text.confusables import skeleton  # noqa: E402
from lib.text.fields import LineUrlField  # noqa: E402
from moderation.screening.normalisation import plain  # noqa: E402
from moderation.screening.usernames import validate_form, validate_one_script  # noqa: E402

Reader = Callable[[str], object]
SIZES = (1_000, 10_000, 100_000)
LEAST_MS = 0.5  # what is faster is not compared: the clock would be


def _refusing(reader: Reader) -> Reader:
    """A refusal, of a text that is too long for instance, is an answer too."""

    def read(text: str) -> object:
        try:
            return reader(text)
        except (ValidationError, Refused) as error:
            return error

    return read


READERS: dict[str, Reader] = {
    "normalise_text": normalise_text,
    "normalise_line": normalise_line,
    "words_of": words_of,
    "spell_words": spell_words,
    "skeleton": skeleton,
    "plain": plain,
    "search query": _refusing(parse),
    "weights": read_weights,
    "plain prompt": plain_text,
    "shared words": lambda text: shared_words([text]),
    "style words": style_words,
    "infotext": read_infotext,
    "recall": lambda text: read_recipe({"parameters": text, "prompt": text, "invokeai_metadata": text}),
    "address field": _refusing(LineUrlField().clean),
    "form of a username": _refusing(validate_form),
    "script of a username": _refusing(validate_one_script),
}
HOSTILE: dict[str, str] = {  # repeated to the size, then a character that makes what matched fail at the end
    "letters": "a",
    "underscores": "_",
    "spaces": " ",
    "line ends": "\r\n",
    "words": "ab ",
    "opened brackets": "(",
    "weights": "(a:1.1)",
    "nested brackets": "(a^)",
    "nested weights": "(a^:1.1)",
    "nested squares": "[a^]",
    "opened quotes": '"a',
    "quotes": '""',
    "settings": "Steps: 1, ",
    "settings with quotes": 'A: "b, ',
    "LoRAs": "<lora:a:",
    "JSON": '{"a":[',
    "fields": "tag:a ",
    "minus": "-a -",
    "dots": "a.",
    "hosts": "http://a.",
    "digits": "0",
    "marks": "a\u0336",
    "joiners": "\u0915\u200d",
    "emoji": "\U0001f469\u200d",
    "directions": "\u202e\u2066",
    "commas": ",a",
    "backslashes": "\\(",
}


def made(piece: str, size: int) -> str:
    """A text of that many characters; ``^`` in a piece parts what is opened from what closes it again."""
    first, _mark, last = piece.partition("^")
    count = size // (len(first) + len(last)) + 1
    return (first * count + last * count)[-size:] if last else (first * count)[:size] + "\x00!"


def fastest(reader: Reader, text: str, times: int) -> float:
    """Milliseconds of this process, the best of so many."""
    taken = []
    gc.disable()  # its passes over what was made would be counted where they happen to fall
    for _ in range(times):
        began = time.process_time()
        reader(text)
        taken.append(1000 * (time.process_time() - began))
    gc.enable()
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="each text once")
    times = 1 if parser.parse_args().quick else 3
    worst_growth = slowest = 0.0
    print(f"{'reader':>21} {'slowest text':>22} " + " ".join(f"{size:>9,}" for size in SIZES) + "  growth")
    for name, reader in READERS.items():
        reader("warm up")
        rows = []
        for text_name, piece in HOSTILE.items():
            texts = [made(piece, size) for size in SIZES]
            taken = [fastest(reader, text, times) for text in texts]
            rows.append((taken[2] / max(taken[1], LEAST_MS), text_name, taken))
        growth = max(row[0] for row in rows)
        _growth, text_name, taken = max(rows, key=lambda row: row[2][2])
        worst_growth, slowest = max(worst_growth, growth), max(slowest, taken[2])
        print(
            f"{name:>21} {text_name:>22} " + " ".join(f"{ms:>7.1f}ms" for ms in taken) + f"  {growth:6.1f}", flush=True
        )
    print(json.dumps({"benchmark": "patterns", "growth": round(worst_growth, 1), "slowest_ms": round(slowest, 1)}))


if __name__ == "__main__":
    main()
