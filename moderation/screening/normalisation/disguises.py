"""Words in disguise: leetspeak, letters set apart, doubled, masked, turned around, glued together. Pure.

Only tokens that are no ordinary words are looked at, and they are replaced only by words that some rule speaks about
(`Oracle`), so that honest words stay what they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby, pairwise, product

from moderation.screening.normalisation.vocabulary import common_words, is_known, known_words

_LEET = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g", "@": "a",
    "$": "s", "!": "il", "|": "il", "+": "t", "€": "e", "£": "l", "¢": "c", "(": "c", "<": "c", "#": "h", "%": "x",
    "&": "a", "?": "", "^": "a", "~": "", "¥": "y", "¿": "", "×": "x", "µ": "u", "§": "s",
}  # fmt: skip
_SHAPES = [
    ("|\\|", "n"), ("/\\/", "n"), ("\\/\\/", "w"), ("vv", "w"), ("/\\", "a"), ("\\/", "v"), ("|_|", "u"),
    ("(_)", "u"), ("|)", "d"), ("[)", "d"), ("|>", "p"), ("|<", "k"), ("()", "o"), ("[]", "o"), ("|-|", "h"),
    ("][", "i"),
]  # fmt: skip
_SOUNDS = [
    ("ph", "f"), ("ck", "k"), ("kk", "k"), ("qu", "k"), ("q", "k"), ("x", "ks"), ("z", "s"), ("c", "k"), ("v", "u"),
    ("oo", "u"), ("ee", "i"), ("y", "i"), ("w", "u"),
]  # fmt: skip
_TURNED = str.maketrans("unpdbqmw69", "nudpqbwm96")
_TURNED_BUT_M = str.maketrans("unpdbq", "nudpqb")  # a turned m is a letter of its own, and read as m already
_SEPARATORS = "-_./,:;'\"~=+&|*•·—–…\\`´^#"
_EDGES = ".,;:?!\"'`´…-_~=&%^/\\•·—–"
_GLUE = frozenset([
    "a", "i", "am", "an", "at", "be", "by", "do", "go", "he", "in", "is", "it", "me", "mr", "my", "no", "of", "oh",
    "on", "or", "so", "to", "up", "us", "we", "xx",
])  # fmt: skip
_ENDINGS = frozenset(["ise", "ize", "ing", "est", "ers", "ism", "ist", "ion", "ian", "ier", "ite", "son", "ton"])
MASKS = "*_-.?#%"
MAX_TOKEN, MAX_VARIANTS, MAX_RUN, MAX_PIECE, MAX_REMEMBERED = 48, 24, 120, 18, 50_000
MAX_STRETCHED = 6  # runs of one word that are cut in all ways


@dataclass(frozen=True, eq=False)
class Oracle:
    """What the rules speak about: `says(word)` is true when one of them would take notice of the whole word."""

    says: Callable[[str], bool]
    speaks_about: Callable[[str], bool]  # of a phrase: whether a rule matches somewhere in it
    said: frozenset[str] = frozenset()  # ordinary words, and words of the rules, that a rule speaks about
    starts: frozenset[str] = frozenset()  # what those begin with
    by_shape: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    by_sound: dict[str, str] = field(default_factory=dict)
    by_deletion: dict[str, str] = field(default_factory=dict)
    _unmasked: dict[tuple[str, bool], str | None] = field(default_factory=dict)

    def unmasked(self, token: str, *, is_name: bool = False) -> str | None:
        """`unmask`, remembered: texts repeat their words."""
        key = (token, is_name)
        if key not in self._unmasked:
            if len(self._unmasked) > MAX_REMEMBERED:
                self._unmasked.clear()
            self._unmasked[key] = unmask(token, self, is_name=is_name)
        return self._unmasked[key]

    @classmethod
    def of(cls, says: Callable[[str], bool], speaks_about: Callable[[str], bool], words: Iterable[str]) -> "Oracle":
        inflected = {f"{word}{ending}" for word in words for ending in ("", "ing", "ed", "ion", "e")}
        spoken = sorted({word for word in inflected if len(word) >= 4 and word.isalpha() and says(word)})
        shapes: dict[tuple[int, str], list[str]] = {}
        deletions: dict[str, str] = {}
        for word in spoken:
            shapes.setdefault((len(word), word[0]), []).append(word)
            if len(word) >= 5:
                deletions.setdefault(word, word)
                for place in range(1, len(word)):
                    deletions.setdefault(word[:place] + word[place + 1 :], word)
        said = frozenset(spoken) | frozenset(word for word in known_words() if says(word))
        starts = frozenset(word[:size] for word in said for size in range(1, len(word) + 1))
        sounds = {sound(word): word for word in spoken}
        return cls(lru_cache(maxsize=50_000)(says), speaks_about, said, starts, shapes, sounds, deletions)


def sound(word: str) -> str:
    """A rough key of how a word sounds: “phuk” and “fuck” have one."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return "".join(char for place, char in enumerate(word) if place == 0 or char != word[place - 1])


def unmask(token: str, oracle: Oracle, *, is_name: bool = False) -> str | None:
    """The words behind one token, or None when it hides nothing that a rule speaks about.

    `is_name`: it is written as a proper name is (“Wankdorf”), so only stretched and look-alike letters count.
    """
    core = token.strip(_EDGES)
    if len(core) < 3 or len(token) > MAX_TOKEN:
        return None
    if is_name:
        return None if is_known(core) else next((form for form in _respellings(core) if oracle.says(form)), None)
    for form in dict.fromkeys((core, token.rstrip(".,;:?\"'"), token.strip(".,;:\"'"))):
        if (found := _unmask(form, oracle)) is not None:
            return found
    return None


def _unmask(core: str, oracle: Oracle) -> str | None:
    if core.isalpha():
        return None if is_known(core) else _unmask_letters(core, oracle)
    if not any(char.isalpha() for char in core) and not ("$" in core or "@" in core):
        return None
    letters = core.strip("0123456789")
    if letters.isalpha() and len(letters) >= 4:
        if oracle.says(letters):
            return letters
        if is_known(letters):
            return None
        if (found := _unmask_letters(letters, oracle)) is not None:
            return found
    bare = _without(core, _SEPARATORS)
    if bare != core and bare.isalpha():
        return _unmask_separated(core, bare, oracle)
    if (spelled := _spelled_out(core)) is not None and (found := _unmask(spelled, oracle)) is not None:
        return found
    for variant in variants(core):
        if oracle.says(variant):
            return variant
    if (found := _masked(core, oracle)) is not None:
        return found
    for variant in variants(core):
        if variant.isalpha() and not is_known(variant) and (found := _unmask_letters(variant, oracle)) is not None:
            return found
    return _unmask_parts(core, oracle) or next((form for form in variants(core) if is_plain_word(form)), None)


def _unmask_separated(core: str, bare: str, oracle: Oracle) -> str | None:
    """“n-u-d-e”, “n_de”, “na-ked”: letters with signs between them; `bare` is without those."""
    if oracle.says(bare):
        return bare
    if (found := _masked(core, oracle)) is not None:
        return found
    parts = _parts(core)
    if all(len(part) == 1 for part in parts):
        found = find_words(bare, oracle) or (bare if bare in known_words() else None)
        if found is not None:
            return found
    if (found := _unmask_parts(core, oracle)) is not None:
        return found
    if min(map(len, parts)) < 2 or all(is_known(part) for part in parts):
        return None
    return bare if bare in known_words() else _unmask_letters(bare, oracle)


def _spelled_out(core: str) -> str | None:
    """What stands between one sign repeated: “h*3*n*t*@*i” without the asterisks."""
    sign = core[1:2]
    if len(core) < 7 or sign.isalnum() or any(char != sign for char in core[1::2]):
        return None
    return core[::2]


def is_plain_word(form: str) -> bool:
    return form.isalpha() and (form in known_words() if len(form) > 3 else len(form) == 3 and form in common_words())


def _unmask_parts(core: str, oracle: Oracle) -> str | None:
    parts = _parts(core)
    if len(parts) < 2:
        return None
    found = [None if len(part) < 3 else _unmask(part, oracle) for part in parts]
    if not any(found):
        return None
    return " ".join(new or old for new, old in zip(found, parts, strict=True))


def _parts(core: str) -> list[str]:
    return "".join(" " if char in _SEPARATORS else char for char in core).split()


def _without(text: str, unwanted: str) -> str:
    return "".join(char for char in text if char not in unwanted)


@lru_cache(maxsize=10_000)
def variants(core: str) -> list[str]:
    """The readings of digits and signs as letters, the likeliest first."""
    found: dict[str, None] = {}
    for form in dict.fromkeys((core, _reshaped(core))):
        bare = _without(form, "-_.,:;'\"~=*•·`´/\\")
        choices = [_LEET.get(char, char) or [""] for char in bare]
        for letters in product(*choices):
            found["".join(letters)] = None
            if len(found) >= MAX_VARIANTS:
                break
    return list(found)


def _reshaped(core: str) -> str:
    for drawn, letter in _SHAPES:
        core = core.replace(drawn, letter)
    return core


def _masked(core: str, oracle: Oracle) -> str | None:
    """“f*ck”, “n_de”: a word with at most half of its letters hidden."""
    if "*" in core and "-" in core:
        core = core.replace("-", "")
    hidden = sum(char in MASKS for char in core)
    if not 0 < hidden <= len(core) / 2 or core[0] in MASKS or len(core) < 4:
        return None
    if "*" not in core and (hidden > 1 or core[-1] in MASKS):
        return None
    for word in oracle.by_shape.get((len(core), core[0]), ()):
        if all(char == letter or char in MASKS for char, letter in zip(core, word, strict=True)):
            return word
    return None


def _unmask_letters(word: str, oracle: Oracle) -> str | None:
    """A word of letters alone that is no ordinary one."""
    for candidate in _respellings(word):
        if oracle.says(candidate):
            return candidate
    if len(word) >= 4:
        turned = word[::-1]
        for candidate in (turned, turned.translate(_TURNED), turned.translate(_TURNED_BUT_M), word.translate(_TURNED)):
            if len(candidate) >= 4 and oracle.says(candidate):
                return candidate
        if len(word) >= 7 and (found := find_words(turned, oracle, strict=True)) is not None:
            return found
    for candidate in _respellings(word):
        if (heard := oracle.by_sound.get(sound(candidate))) is not None and len(candidate) >= 4:
            return heard
    if len(word) >= 5 and (near := _nearly(word, oracle)) is not None:
        return near
    if _is_stretched(word):
        return next((form for form in _unstretched(word) if is_plain_word(form)), None)
    return _unglued(word, oracle) if len(word) >= 6 else None


def _unglued(word: str, oracle: Oracle) -> str | None:
    """“nakedgirls”, “xxpornxx”: words without a gap between them."""
    squeezed = _squeezed(word, 1) if _squeezed(word, 2) != word else word
    for candidate in dict.fromkeys((word, word.strip("x"), squeezed)):
        if candidate != word and oracle.says(candidate):
            return candidate
        if (found := find_words(candidate, oracle, strict=True)) is not None:
            return found
    return None


def _respellings(word: str) -> list[str]:
    forms = [word]
    if any(first == second for first, second in pairwise(word)):
        forms += _unstretched(word)
    if "vv" in word:
        forms.append(word.replace("vv", "w"))
    if "rn" in word:
        forms.append(word.replace("rn", "m"))
    for one, other in (("v", "u"), ("y", "u"), ("v", "n")):
        if one in word:
            forms.append(word.replace(one, other))
    for one, other in (("i", "l"), ("l", "i")):
        forms += [word[:place] + other + word[place + 1 :] for place, char in enumerate(word[:16]) if char == one]
    return list(dict.fromkeys(forms))


def _squeezed(word: str, most: int) -> str:
    """Runs of one letter cut down to `most`."""
    kept: list[str] = []
    for char in word:
        if len(kept) < most or any(each != char for each in kept[-most:]):
            kept.append(char)
    return "".join(kept)


def _unstretched(word: str) -> list[str]:
    """Runs of a letter cut to two and one, in all ways: an honest double letter may stand in it (“nniggeer”)."""
    runs = ["".join(run) for _letter, run in groupby(_squeezed(word, 2))]
    places = [place for place, run in enumerate(runs) if len(run) > 1]
    forms = []
    for short in product((False, True), repeat=min(len(places), MAX_STRETCHED)):
        cut = {place for place, is_short in zip(places, short, strict=False) if is_short}
        forms.append("".join(run[:1] if place in cut else run for place, run in enumerate(runs)))
    return forms


def _is_stretched(word: str) -> bool:
    """Whether a letter stands three times in a row, as in no ordinary word."""
    return any(first == second == third for first, second, third in zip(word, word[1:], word[2:], strict=False))


def _nearly(word: str, oracle: Oracle) -> str | None:
    """A word of the rules that one missing, wrong, doubled or swapped letter (not the first) leads to."""
    if word[:1] not in "abcdefghijklmnopqrstuvwxyz":
        return None
    shorter = [word, *(word[:place] + word[place + 1 :] for place in range(1, len(word)))]
    for form in shorter:
        near = oracle.by_deletion.get(form)
        if near is not None and near[0] == word[0] and abs(len(near) - len(word)) <= 1 and _is_near(word, near):
            return near
    return None


def _is_near(one: str, other: str) -> bool:
    if len(one) != len(other):
        return True
    wrong = [place for place in range(len(one)) if one[place] != other[place]]
    if len(wrong) == 2:
        first, second = wrong
        return second == first + 1 and one[first] == other[second] and one[second] == other[first]
    return len(wrong) <= 1 and (
        len(one) >= 6 or all(char[place] in "aeiouy" for char in (one, other) for place in wrong)
    )


@lru_cache(maxsize=1)
def _short_words() -> frozenset[str]:
    return common_words() - _ENDINGS


def find_words(letters: str, oracle: Oracle, *, strict: bool = False) -> str | None:
    """Letters without gaps cut into words, if the best cut holds a word that a rule speaks about.

    `strict`: every piece must be a word, and those of one and two letters such as names are glued together with;
    otherwise single letters may be left over.
    """
    if len(letters) > MAX_RUN or is_known(letters):
        return None
    lone, lone_vowel = (3.0, 1.2) if strict else (1.6, 1.2)
    words, short, said = known_words(), _short_words(), oracle.said
    costs, starts, hits = [0.0], [0], [False]
    for end in range(1, len(letters) + 1):
        best, begin, is_hit = costs[end - 1] + (lone_vowel if letters[end - 1] in "ai" else lone), end - 1, False
        for start in range(max(0, end - MAX_PIECE), end - 1):
            piece = letters[start:end]
            is_said = piece in said
            if not is_said and piece not in (
                words if end - start > 3 else _GLUE if strict and end - start < 3 else short
            ):
                continue
            cost = costs[start] + (1.1 if end - start < 4 else 1.0) + (0.05 if is_said else 0.0)
            if cost < best:
                best, begin, is_hit = cost, start, is_said
        costs.append(best)
        starts.append(begin)
        hits.append(is_hit)
    pieces, is_hit, end = [], False, len(letters)
    while end:
        pieces.append(letters[starts[end] : end])
        is_hit |= hits[end]
        end = starts[end]
    if strict and not _are_glued(pieces):
        return None
    phrase = " ".join(reversed(pieces))
    return phrase if is_hit or (strict and oracle.speaks_about(phrase)) else None


def _are_glued(pieces: list[str]) -> bool:
    """Whether they are words as names are glued of; not “al le gory”, not “a sexual”."""
    if any(len(each) < 3 and each not in _GLUE for each in pieces):
        return False
    return len(pieces) != 2 or min(map(len, pieces)) > 1
