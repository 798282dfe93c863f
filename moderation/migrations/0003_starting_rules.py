"""The text rules that a new site starts with; moderators change them on the rules page.

Each is a regular expression over every reading of a text (lower case, disguises taken off). They are short
on purpose: they name subjects, not a catalogue of obscenities. `AGE` and `SEXUAL` together, anywhere in a
text, are what the hardest rule looks for.
"""

from django.db import migrations

AGE = (
    r"(?:child(?:ren|like|ish)?|kids?|toddlers?|infants?|babys?|babies|minors?|under ?-?aged?|pre-?teens?|tweens?"
    r"|teens?|teenagers?|teenaged?|school ?-?(?:girl|boy)s?|lolis?|lolicons?|shotas?|shotacons?|jailbait"
    r"|(?:little|young|small) (?:girl|boy)s?|kindergart\w+|(?:[0-9]|1[0-7])(?:[- ]?(?:years?|yrs?)[- ]?old|[- ]?y ?/? ?o)"
    r"|(?:age|aged) (?:of )?(?:[0-9]|1[0-7])(?![0-9]))"
)
# “nude” as a colour and animals with naked in their names are no nudity
NUDE = (
    r"(?:nude(?! (?:lip\w*|tones?|colou?r\w*|shades?|heels?|palette|make-?up|nails?|pumps?))s?|nudity|nudes"
    r"|naked(?! (?:mole|eye|neck|oat|juice|cake|lady lil|bike|truth))|topless|bottomless|unclothed|undress(?:ed|ing)?"
    r"|lingerie|cleavage)"
)
EXPLICIT = (
    r"(?:sex(?:ual(?:ly|i[sz]ed)?)?(?! on the beach)|porn\w*|hentai|erotic\w*|nsfw|blow ?jobs?|hand ?jobs?|orgasm\w*"
    r"|masturbat\w*|penis(?:es)?|vagina\w*|genital\w*|cum(?:shot|ming)|ejaculat\w*|intercourse|fellatio|cunnilingus"
    r"|seductive\w*|sexy|aroused)"
)
REAL = r"(?:celebrit(?:y|ies)|famous (?:actress|actor|singer|person)|my (?:ex|neighbou?r|boss|teacher|classmate|co-?worker)\b)"

RULES = [
    {
        "slug": "sexualised-minors",
        "pattern": rf"\A(?=.*\b{AGE}\b)(?=.*\b(?:{NUDE}|{EXPLICIT})\b).*",
        "effect": "block",
        "category": "minor",
        "reason": "Nothing here may sexualise a minor, drawn or real. Nothing was made.",
    },
    {
        "slug": "minors-by-name",
        "pattern": r"\b(?:loli(?:con)?|shota(?:con)?|jailbait|child porn\w*|kiddie porn\w*|p[a]?edophil\w*)\b",
        "effect": "block",
        "category": "minor",
        "reason": "Nothing here may sexualise a minor, drawn or real. Nothing was made.",
    },
    {
        "slug": "undressing-people",
        "pattern": r"\b(?:deep ?fake\w*|deep ?nude\w*|nudify\w*|remove (?:his|her|their|the) cloth\w+|revenge porn\w*)\b",
        "effect": "block",
        "category": "intimate",
        "reason": "Sexual pictures of real people are not made here.",
    },
    {
        "slug": "real-people-sexual",
        "pattern": rf"\A(?=.*\b{REAL})(?=.*\b(?:{NUDE}|{EXPLICIT})\b).*",
        "effect": "block",
        "category": "intimate",
        "reason": "Sexual pictures of real people are not made here.",
    },
    {
        "slug": "sexual-violence",
        "pattern": r"\b(?:raped|raping|rapist|being raped|gang ?rape\w*|sexual(?:ly)? assault\w*|bestiality|zoophil\w*|necrophil\w*)\b",
        "effect": "block",
        "category": "sexual",
        "reason": "Sexual violence is not made here.",
    },
    {
        "slug": "explicit",
        "pattern": rf"\b{EXPLICIT}\b",
        "effect": "ask",
        "level": 2,
        "category": "sexual",
        "reason": "This may become a sexual picture; it would be marked as mature and kept from those who did not choose to see such.",
    },
    {
        "slug": "nudity",
        "pattern": rf"\b{NUDE}\b",
        "effect": "level",
        "level": 2,
        "category": "sexual",
        "reason": "Nudity is marked as mature.",
    },
    {
        "slug": "gore",
        "pattern": r"\b(?:gore|gory|dismember\w*|disembowel\w*|eviscerat\w*|decapitat\w*|beheaded|beheading|mutilat\w*|entrails|severed (?:head|limb|arm|leg)s?)\b",
        "effect": "ask",
        "level": 1,
        "category": "violence",
        "reason": "This may become a picture of graphic violence; it would be marked as sensitive.",
    },
    {
        "slug": "self-harm",
        "pattern": r"\b(?:suicid\w*|self[- ]?harm\w*|kill (?:myself|yourself|yourselves)|cutting (?:my|her|his|their) wrists?|pro[- ]?ana|thinspo\w*)\b",
        "effect": "ask",
        "level": 1,
        "category": "self-harm",
        "reason": "This touches on self-harm. If it is about you: please talk to somebody you trust, or call your local helpline.",
    },
    {
        "slug": "hate",
        "pattern": r"\b(?:nazis?|hitler|swastikas?|ku klux klan|kkk|white (?:power|supremac\w*)|ethnic cleansing|lynching)\b",
        "effect": "ask",
        "level": 1,
        "category": "hate",
        "reason": "This touches on hatred of people for who they are. Pictures that glorify it are taken down.",
    },
]


def add_rules(apps, schema_editor):
    rule = apps.get_model("moderation", "Rule")
    rule.objects.bulk_create([rule(**values) for values in RULES])


class Migration(migrations.Migration):
    dependencies = [("moderation", "0002_decisions_are_append_only")]

    operations = [migrations.RunPython(add_rules, migrations.RunPython.noop)]
