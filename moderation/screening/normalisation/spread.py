"""Words whose letters or parts stand apart, over several tokens: “n u d e”, “chi ld”. Pure."""

from collections.abc import Sequence

from moderation.screening.normalisation.disguises import MAX_RUN, Oracle, find_words, is_plain_word, variants
from moderation.screening.normalisation.vocabulary import common_words, is_known, known_words, parts_by_right

_NO_EDGES = str.maketrans("", "", ".,;:?!\"'`´…-_~=&%^/\\•·—–*|+<>")
_SIGNS = "!"  # that stand for letters even alone
WINDOW = 5  # tokens in which the parts of one word may stand


def join_spread(tokens: Sequence[str], oracle: Oracle) -> list[tuple[int, int, str]]:
    """Words whose letters or parts stand apart: (first token, one past the last, words).

    An empty token is a wider gap, which parts the words of a spelled-out line.
    """
    cores = [token if token.isalpha() or token in _SIGNS else token.translate(_NO_EDGES) for token in tokens]
    next_odd = _next_odd(cores)
    found: list[tuple[int, int, str]] = []
    place, count = 0, len(cores)
    while place < count:
        is_single, is_near_odd = len(cores[place]) == 1, next_odd[place] < place + WINDOW
        if not is_single and not is_near_odd:
            place += 1
            continue
        end = _run_end(cores, place) if is_single else None
        if end is not None:
            words = _read_run(tokens, cores, place, end, oracle)
            if words is not None:
                found.append((place, end, words))
            # The last letters of a run that says nothing may belong to what follows.
            place = end if words is not None or is_known("".join(cores[place:end])) else max(place + 1, end - 3)
            if place >= len(cores) or words is not None or end - place > 3 or _run_end(cores, place) is not None:
                continue
        joined = _join_fragments(cores, place, oracle) if next_odd[place] < place + WINDOW else None
        if joined is not None:
            found.append(joined)
            place = joined[1]
            continue
        place += 1
    return found


def _next_odd(cores: Sequence[str]) -> list[int]:
    """For every place the first one from there on whose token is no common word."""
    common, places, odd = common_words(), [0] * len(cores), len(cores) + WINDOW
    for place in range(len(cores) - 1, -1, -1):
        if cores[place] and cores[place] not in common:
            odd = place
        places[place] = odd
    return places


def _run_end(cores: Sequence[str], start: int) -> int | None:
    """Where a run of single letters ends, if at least three stand together."""
    if start >= len(cores) or len(cores[start]) != 1:
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
    for form in dict.fromkeys((letters, *variants(letters)[:6])):
        if form.isalpha() and not is_known(form):
            if oracle.says(form):
                return form
            if (found := find_words(form, oracle)) is not None:
                return found
            if len(form) >= 4 and oracle.says(form[::-1]):
                return form[::-1]
    return letters if letters.isalpha() and (oracle.says(letters) or is_plain_word(letters)) else None


def _join_fragments(cores: Sequence[str], start: int, oracle: Oracle) -> tuple[int, int, str] | None:
    """“nu de”, “chi ld”: two to four neighbours that only together are a word, one of them being none."""
    common = common_words()
    first = cores[start]
    if not first or len(first) > 9 or (first not in oracle.starts and first.isalpha()):
        return None
    joined, odd, used, end = "", False, 0, start
    while end < len(cores) and used < 4 and end - start < 8:
        core = cores[end]
        end += 1
        if not core:
            continue
        joined, used = joined + core, used + 1
        odd = odd or core not in common
        if len(joined) > 14 or (joined not in oracle.starts and joined.isalpha()):
            return None
        if used >= 2 and odd and len(joined) >= 4:
            form = joined if joined.isalpha() else next(iter(variants(joined)), joined)
            if form in oracle.said and not oracle.says(core) and not oracle.says(first):
                are_words = all(part in known_words() for part in cores[start:end] if part)
                return None if are_words and parts_by_right(form) else (start, end, form)
    return None
