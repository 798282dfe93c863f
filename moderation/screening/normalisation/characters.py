"""Letters that pass for Latin ones, and characters that nobody sees. Pure.

Beyond the published confusables (lib/text/confusables.py) this knows the alphabets that generators of "fancy text" use.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache

from lib.text.confusables import is_ignored, look_alikes
from moderation.screening.normalisation.edits import Edit, Reading

BLANK = "\x1f"  # stands for a character that looks like a space, or like nothing
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = [  # each in the order of the Latin one; a dot where it has no letter of its own
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡ.ʏᴢ",
    "ɐ.ɔ.ǝɟƃɥᴉɾʞ.ɯ....ɹ.ʇ.ʌʍ.ʎ.",
    "∀.ƆᗡƎℲ⅁...⋊⅂...ԀὉᴚ.⊥∩Λ..⅄.",
    "ᗩᗷᑕᗪᗴᖴᘜᕼ.ᒍ.ᒪᗰᑎ.ᑭᑫᖇᔕ.ᑌᐯᗯ᙭.ᘔ",
    "ᗅᗽᑢᕲᕮᖷ..ᓰᒎᖽᒺᘻᘉᓍᕵᕴᖆSᖶᑘᐺᘺᕽᖻᗱ",
    "卂乃匚.乇千ᎶҤ丨ﾌҜㄥ爪几ㄖ卩Ɋ尺丂ㄒㄩ.山乂ㄚ乙",
    "คც..єŦﻮђเןкɭ๓ภ๏קợгรՇยשฬאץչ",
    ".๒ς๔..........໐...........",
    "...໓..ງ..ว.໋.ຖ......นงຟ.ฯຊ",
    "ልጌርዕቿቻኗዘጎጋጕረጠክዐየዒዪነፕሁሀሠሸሃጊ",
    "ᏗᏰፈᎴᏋᎦᎶᏂᎥᏠᏦᏝᎷᏁᎧᎮᎤᏒᏕᏖᏬᏉᏇጀᎩፚ",
    "₳฿₵ĐɆ₣₲Ⱨł.₭Ⱡ₥₦Ø₱.Ɽ₴₮Ʉ.₩ӾɎⱫ",
    "αв.∂єƒ.нι.кℓмησρ.яѕтυνωχу.",
    "ąცƈɖɛʄɠɧıʝƙƖɱŋơ℘զཞʂɬų۷ῳҳყʑ",
    ".Ⴆ.ԃҽϝ.ԋ....ʅɳ..ϙɾ.ƚ.ʋ...ȥ",
    "ǟɮ....ɢɦɨ.ӄ.ʍռօքզ.ֆȶʊ.աӼ.ʐ",
    "ꪖꪉᥴᦔꫀᠻᧁꫝ꠸꠹ᛕꪶꪑꪀꪮ..ꪹᦓꪻꪊꪜ᭙᥊ꪗɀ",
    "ꍏꌃꉓꀸꍟꎇꁅꃅꀤꀭꀘ꒒ꎭꈤꂦᖘꆰꋪꌗ꓄ꀎ.ꅏꊼꌩꁴ",
    "ꋫꃃꏸꁕꍟꄘꁍꑛꂑꀭꀗ꒒ꁒꁹꆂꉣꁸ꒓ꌚ꓅ꐇꏝꅐꇓꐟꁴ",
    "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑ.ꓣꓢꓔꓴꓦꓪꓫꓬꓜ",
    "ⲁⲃⲥⲇⲉ.ⳋⲏⲓ.ⲕⳑⲙⲛⲟⲣ..ⳝⲧⳙⳳⲱⲭⲩⲍ",
    "αβ.δε.....κλμηοπ..ςτυνωχγζ",
    "аб.де.гнійклмпор.яст.вшхуз",
    "......ғһ.ј...ҥө...ѕҭцѵщжчӡ",
    "ա..ժե.ցհիյ.լ.ոօպզրսէմվա.յղ",
    "...ճҽֆգ.ɩ.ҟ..դ...ր.ʈʉ.ɰ...",
    "ᚨᛒᚲᛞᛖᚠᚷᚺᛁᛃᚴᛚᛗᚾᛟᛈ.ᚱᛋᛏᚢᚡᚹᚷᛦᛉ",
    "ạḅ.ḍẹ..ḥị.ḳḷṃṇọ..ṛṣṭụṿẉ.ỵẓ",
    "ᾰ.ḉ.ḕ......ł.......†ų.ώӿ..",
    "ɑƀȼđɇ.ǥħɨɉꝁƚ.ƞøᵽɋɍꞩŧʉ.ⱳ.ɏƶ",
    "...∂ℯ..ℏ.......ℙ..§..√....",
]
UPSIDE_DOWN = frozenset("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ")
# Ranges of 26 letters that NFKC leaves as they are: circled and squared on black, regional indicators.
_RANGES = [0x1F150, 0x1F170, 0x1F1E6]
_MORE = {
    "ß": "ss", "æ": "ae", "œ": "oe", "þ": "p", "ð": "d", "ə": "e", "ı": "i", "ŋ": "n", "¡": "i", "и": "n", "п": "n",
    "ь": "b", "ъ": "b", "ы": "bl", "э": "e", "ю": "io", "ц": "u", "ф": "o", "л": "n", "г": "r", "θ": "o", "φ": "o",
    "ξ": "e", "σ": "o", "ψ": "y", "ρ": "p", "ν": "v", "γ": "y", "λ": "a", "π": "n", "ո": "n", "ս": "u", "ց": "g",
    "ք": "p", "ա": "w", "ʌ": "a", "м": "m", "т": "t", "∆": "a", "Δ": "a", "Λ": "a", "ⲋ": "s", "ⲡ": "p", "ᥱ": "e",
    "ⲅ": "r", "Σ": "e", "Ω": "o", "Π": "n", "Θ": "o", "Ξ": "e", "в": "b", "н": "h", "к": "k", "р": "p",
    "с": "c", "у": "y", "х": "x",
}  # fmt: skip
_BLANKS = {"\u2800", "\u3164", "\uffa0", "\u115f", "\u1160", "\u180e", "\u2591"}


class _Alike(dict[int, str]):
    """What each code point is read as; filled when first asked."""

    def __missing__(self, code: int) -> str:
        self[code] = _fold(chr(code))
        return self[code]


_alike = _Alike()


def fold_characters(reading: Reading) -> Reading:
    """Look-alike letters read as Latin ones, marks and invisible characters off; case stays, blanks become `BLANK`."""
    return reading.edited("characters", _edits(reading.text, _alike))


def fold_case(reading: Reading) -> Reading:
    """Lower case; the few letters whose lower case has another length are kept."""
    lower = reading.text.lower()
    if len(lower) != len(reading.text):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in reading.text)
    if lower == reading.text:
        return reading
    return Reading(lower, "case", reading, (Edit(0, len(lower), lower),))


class _Composing(dict[int, str]):
    """Invisible characters off, everything else in its own script."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        is_seen = char in "\n\r\t" or not (is_ignored(char) or unicodedata.category(char) in {"Cf", "Cc", "Cs", "Co"})
        self[code] = (unicodedata.normalize("NFKC", char) if char not in "\n\r\t" else " ") if is_seen else ""
        return self[code]


_composing = _Composing()


def keep_script(reading: Reading) -> Reading:
    """NFKC without invisible characters: for words of scripts whose letters pass for Latin ones."""
    return reading.edited("script", _edits(reading.text, _composing))


def _edits(text: str, table: dict[int, str]) -> Iterator[Edit]:
    if text.isascii() and text.isprintable():
        return
    new = text.translate(table)
    if len(new) == len(text):
        if new != text:
            yield Edit(0, len(text), new)
        return
    odd = [place for place, char in enumerate(text) if not " " <= char <= "~"]
    place = 0
    while place < len(odd):
        start = end = odd[place]
        size = len(table[ord(text[start])])
        while place < len(odd) and odd[place] == end and size < 2 and len(table[ord(text[end])]) == size:
            place, end = place + 1, end + 1
        if end == start:
            place, end = place + 1, end + 1
        if (run := text[start:end].translate(table)) != text[start:end]:
            yield Edit(start, end, run)


@cache
def _letters() -> dict[str, str]:
    table = {char: latin for row in _ALPHABETS for char, latin in zip(row, _LATIN, strict=True) if char != "."}
    table |= {chr(first + place): latin for first in _RANGES for place, latin in enumerate(_LATIN)}
    return {char: latin for char, latin in table.items() if not char.isascii()} | _MORE


def _fold(char: str) -> str:
    if " " <= char <= "~":
        return char
    if char in "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        return " "
    category = unicodedata.category(char)
    if char in _BLANKS or (category == "Zs" and char != "\u3000"):
        return BLANK
    if is_ignored(char) or category in {"Cc", "Cf", "Cs", "Co", "Mn", "Me"}:
        return ""
    if (own := _letters().get(char)) is not None:
        return own
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", char))
    return "".join(_letter(part) for part in apart if unicodedata.category(part) not in {"Mn", "Me"})


def _letter(char: str) -> str:
    if char.isascii():
        return char
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.digit(char))
    for form in (char, char.lower(), char.upper()):
        if form in _letters():
            return _letters()[form]
        shape = unicodedata.normalize("NFD", look_alikes().get(ord(form), "")) if len(form) == 1 else ""
        plain = "".join(part for part in shape if not unicodedata.combining(part))
        if plain.isascii() and plain.isalnum():
            return "I" if plain == "l" and char.isupper() else plain
    return char
