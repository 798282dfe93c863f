"""Seeing through disguises: the plain readings of a text that checkers look at. Pure.

A text has several readings, because each disguise that is taken off could also spoil an honest word:
rules are tried on all of them.
"""

import unicodedata

from lib.regex import compile_bounded

# Letters of other scripts that pass for Latin ones (the common part of Unicode's confusables), lower case.
_CONFUSABLE = str.maketrans(
    {
        "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "i", "ј": "j", "ѕ": "s", "һ": "h",
        "ԁ": "d", "ԛ": "q", "ԝ": "w", "ѵ": "v", "к": "k", "м": "m", "т": "t", "н": "h", "в": "b", "г": "r", "п": "n",
        "α": "a", "β": "b", "γ": "y", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "σ": "o",
        "τ": "t", "υ": "u", "χ": "x", "ω": "w", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʀ": "r", "ʏ": "y", "ı": "i", "ø": "o",
        "ð": "d", "đ": "d", "þ": "p", "ł": "l", "ħ": "h", "ŧ": "t", "ə": "e", "ɪ": "i", "ո": "n", "ս": "u", "օ": "o",
    }
)  # fmt: skip
_LEET = str.maketrans("013456789@$!|+€", "oieasgtbgasilte")
_LEET_ONE_AS_L = str.maketrans("1", "l")
_INVISIBLE = {"Cf", "Mn", "Me", "Cc", "Cs", "Co"}
# (word:1.3), [word], {word}, ((word)), word::2 of prompt weighting
_WEIGHT = compile_bounded(r"::?\s*-?\d+(?:\.\d+)?(?=\s*[)\]},]|\s|$)")
_INSIDE = compile_bounded(r"(?<=\w)[()\[\]{}<>\\]+(?=\w)")
_BRACKETS = compile_bounded(r"[()\[\]{}<>\\]+")
_EDGE = "¦"  # where brackets stood: what is set apart on both sides of it is two words
_TIGHT = compile_bounded(r"(?<!\w)(?:[^\W_][^\w¦]){2,}[^\W_](?!\w)")
_SPACED = compile_bounded(r"(?<!\w)(?:[^\W_](?:_|[^\w¦]){1,3}){2,}[^\W_](?!\w)")
_BETWEEN = compile_bounded(r"[\W_]+")
_DISGUISED = compile_bounded(r"(?=\S*[^\W\d_])(?=\S*[\d@$!|+€])\S+")
_SPACE = compile_bounded(r"\s+")
_STRETCHED = compile_bounded(r"(\w)\1{2,}")


def plain(text: str) -> str:
    """NFKC, lower case, without marks and invisible characters, look-alike letters read as Latin, weights off."""
    return _tidy(_bare(text))


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(" " if char in "\n\r\t" else char for char in text if _is_seen(char))
    return _BRACKETS.sub(_EDGE, _INSIDE.sub("", _WEIGHT.sub("", text.translate(_CONFUSABLE))))


def _tidy(text: str) -> str:
    return _SPACE.sub(" ", text.replace(_EDGE, " ")).strip()


def _is_seen(char: str) -> bool:
    return char in "\n\r\t" or unicodedata.category(char) not in _INVISIBLE


def unleeted(text: str) -> str:
    """Digits and symbols *inside words that also hold letters* read as letters; “8k” and “35mm” suffer harmlessly."""
    return _DISGUISED.sub(lambda found: found[0].translate(_LEET), text)


def joined(text: str) -> str:
    """Runs of three or more single characters set apart (n.u.d.e, n u d e) read as one word."""
    for apart in (_TIGHT, _SPACED):
        text = apart.sub(lambda found: _BETWEEN.sub("", found[0]), text)
    return text


def readings(text: str) -> tuple[str, ...]:
    """The different readings of `text`, the plain one first. At most seven."""
    bare = _bare(text)
    base, close = _tidy(bare), _tidy(joined(bare))
    one_as_l = _DISGUISED.sub(lambda found: found[0].translate(_LEET_ONE_AS_L), base)
    underscored = base.replace("_", " ").replace("-", " ")
    found = [base, underscored, close, unleeted(base), unleeted(close), unleeted(one_as_l)]
    found.append(_STRETCHED.sub(r"\1", unleeted(close)))
    return tuple(dict.fromkeys(found))
