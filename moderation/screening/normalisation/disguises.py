"""Words in disguise: leetspeak, letters set apart, doubled, masked, turned around, glued together. Pure.

Only tokens that are no ordinary words are looked at, and they are replaced only by words that some rule speaks about
(`Oracle`), so that honest words stay what they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product

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
_SEPARATORS = "-_./,:;'\"~=+&|*•·—–…\\`´^"
_NO_EDGES = str.maketrans("", "", ".,;:?!\"'`´…-_~=&%^/\\•·—–*|+<>")
_EDGES = ".,;:?!\"'`´…-_~=&%^/\\•·—–"
_ENDINGS = frozenset(["ise", "ize", "ing", "est", "ers", "ism", "ist", "ion", "ian", "ier", "ite", "son", "ton"])
MASKS = "*_-.?#%"
MAX_TOKEN, MAX_VARIANTS, MAX_RUN, MAX_PIECE, MAX_REMEMBERED = 48, 24, 120, 18, 50_000


@dataclass(frozen=True, eq=False)
class Oracle:
    """What the rules speak about: `says(word)` is true when one of them would take notice of the whole word."""

    says: Callable[[str], bool]
    speaks_about: Callable[[str], bool]  # of a phrase: whether a rule matches somewhere in it
    said: frozenset[str] = frozenset()  # ordinary words, and words of the rules, that a rule speaks about
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
        sounds = {sound(word): word for word in spoken}
        return cls(lru_cache(maxsize=50_000)(says), speaks_about, said, shapes, sounds, deletions)


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
    if not any(char.isalpha() for char in core):
        return None
    letters = core.strip("0123456789")
    if letters.isalpha() and len(letters) >= 4:
        if oracle.says(letters):
            return letters
        return None if is_known(letters) else _unmask_letters(letters, oracle)
    bare = _without(core, _SEPARATORS)
    if bare != core and bare.isalpha():
        if oracle.says(bare):
            return bare
        if (found := _masked(core, oracle)) is not None:
            return found
        if all(len(part) == 1 for part in _parts(core)):
            found = find_words(bare, oracle) or (bare if _is_plain_word(bare) else None)
            if found is not None:
                return found
        return _unmask_parts(core, oracle)
    for variant in _variants(core):
        if oracle.says(variant):
            return variant
    if (found := _masked(core, oracle)) is not None:
        return found
    for variant in _variants(core):
        if variant.isalpha() and not is_known(variant) and (found := _unmask_letters(variant, oracle)) is not None:
            return found
    return _unmask_parts(core, oracle) or next((form for form in _variants(core) if _is_plain_word(form)), None)


def _is_plain_word(form: str) -> bool:
    return len(form) >= 4 and form.isalpha() and form in known_words()


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
def _variants(core: str) -> list[str]:
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
        for candidate in (turned, turned.translate(_TURNED), word.translate(_TURNED)):
            if len(candidate) >= 4 and oracle.says(candidate):
                return candidate
        if len(word) >= 7 and (found := find_words(turned, oracle, strict=True)) is not None:
            return found
    for candidate in _respellings(word):
        if (heard := oracle.by_sound.get(sound(candidate))) is not None and len(candidate) >= 4:
            return heard
    if len(word) >= 5 and (near := _nearly(word, oracle)) is not None:
        return near
    if len(word) >= 6:
        for candidate in dict.fromkeys((word, _squeezed(word, 1) if _squeezed(word, 2) != word else word)):
            if (found := find_words(candidate, oracle, strict=True)) is not None:
                return found
    return None


def _respellings(word: str) -> list[str]:
    forms = [word]
    if any(first == second for first, second in pairwise(word)):
        forms += [_squeezed(word, 2), _squeezed(word, 1), *_single_squeezes(word)]
    if "vv" in word:
        forms.append(word.replace("vv", "w"))
    if "rn" in word:
        forms.append(word.replace("rn", "m"))
    for one, other in (("v", "u"), ("y", "u")):
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


def _single_squeezes(word: str) -> list[str]:
    """Each run alone cut to one letter, for words with an honest double letter (“boooobs” and “toppless”)."""
    short = _squeezed(word, 2)
    places = [place for place in range(1, len(short)) if short[place] == short[place - 1]]
    return [short[:place] + short[place + 1 :] for place in places[:4]]


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

    `strict`: every piece must be a word; otherwise single letters may be left over.
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
            if not is_said and piece not in (words if end - start > 3 else short):
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
    if strict and len(pieces) == 2 and min(map(len, pieces)) == 1:
        return None  # “asexual”
    phrase = " ".join(reversed(pieces))
    return phrase if is_hit or (strict and oracle.speaks_about(phrase)) else None


def join_spread(tokens: Sequence[str], oracle: Oracle) -> list[tuple[int, int, str]]:
    """Words whose letters or parts stand apart: (first token, one past the last, words).

    An empty token is a wider gap, which parts the words of a spelled-out line.
    """
    cores = [token if token.isalpha() else token.translate(_NO_EDGES) for token in tokens]
    common = common_words()
    is_odd = [bool(core) and core not in common for core in cores]
    is_odd += [False] * WINDOW
    found: list[tuple[int, int, str]] = []
    place = 0
    while place < len(cores):
        end = _run_end(cores, place)
        if end is not None:
            words = _read_run(tokens, cores, place, end, oracle)
            if words is not None:
                found.append((place, end, words))
            # The last letters of a run that says nothing may belong to what follows.
            place = end if words is not None or is_known("".join(cores[place:end])) else max(place + 1, end - 3)
            if words is not None or end - place > 3 or _run_end(cores, place) is not None:
                continue
        joined = _join_fragments(cores, place, oracle) if any(is_odd[place : place + WINDOW]) else None
        if joined is not None:
            found.append(joined)
            place = joined[1]
            continue
        place += 1
    return found


def _run_end(cores: Sequence[str], start: int) -> int | None:
    """Where a run of single letters ends, if at least three stand together."""
    if len(cores[start]) != 1:
        return None
    end, letters = start, 0
    last = start
    while end < len(cores) and len(cores[end]) <= 1 and end - start < MAX_RUN:
        if cores[end]:
            letters, last = letters + 1, end
        end += 1
    return last + 1 if letters >= 3 else None


def _read_run(tokens: Sequence[str], cores: Sequence[str], start: int, end: int, oracle: Oracle) -> str | None:
    run = list(tokens[start:end])
    gaps = [place for place, token in enumerate(run) if token == ""]
    groups: list[str] = [""]
    letters = sum(1 for core in cores[start:end] if core)
    for place, core in enumerate(cores[start:end]):
        if place in gaps and 0 < len(gaps) < letters - 1:
            if groups[-1]:
                groups.append("")
        else:
            groups[-1] += core
    found = [_read_letters(group, oracle) for group in groups]
    if not any(found):
        # a last or first letter may belong to a whole word beside the run
        return None
    return " ".join(new or old for new, old in zip(found, groups, strict=True))


def _read_letters(letters: str, oracle: Oracle) -> str | None:
    for form in dict.fromkeys((letters, *_variants(letters)[:6])):
        if form.isalpha() and not is_known(form):
            if oracle.says(form):
                return form
            if (found := find_words(form, oracle)) is not None:
                return found
            if len(form) >= 4 and oracle.says(form[::-1]):
                return form[::-1]
    return letters if letters.isalpha() and (oracle.says(letters) or _is_plain_word(letters)) else None


WINDOW = 5  # tokens in which the parts of one word may stand


def _join_fragments(cores: Sequence[str], start: int, oracle: Oracle) -> tuple[int, int, str] | None:
    """“nu de”, “chi ld”: two to four neighbours that only together are a word, one of them being none."""
    common = common_words()
    first = cores[start]
    if not first or len(first) > 9:
        return None
    joined, odd, used, end = "", False, 0, start
    while end < len(cores) and used < 4 and end - start < 8:
        core = cores[end]
        end += 1
        if not core:
            continue
        joined, used = joined + core, used + 1
        odd = odd or core not in common
        if len(joined) > 14:
            return None
        if used >= 2 and odd and len(joined) >= 4:
            form = joined if joined.isalpha() else next(iter(_variants(joined)), joined)
            if form in oracle.said and not oracle.says(core) and not oracle.says(first):
                return start, end, form
    return None
