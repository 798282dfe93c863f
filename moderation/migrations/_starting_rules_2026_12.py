"""The rules themselves; their words are in `_rules_2026_12`."""

import importlib

w = importlib.import_module("moderation.migrations._rules_2026_12")


def either(*signs):
    """One pattern that matches any of these."""
    return "(?a)" + "|".join(f"(?:{each.removeprefix('(?a)')})" for each in signs)


AGE = w.sign(w.AGE, raw=w.AGE_RAW)
NUDE = w.sign(w.NUDE, raw=w.NUDE_RAW)
EXPLICIT = w.sign(w.EXPLICIT, raw=w.EXPLICIT_RAW)
SUGGESTIVE = w.sign(w.SUGGESTIVE)
STRONG = w.sign(
    r"""
porn(?:o|os|ographi\w*|ography|hubs?|y|ing|ed|stars?|sites?|ified)? / pr0n / pron / hentai / x-rated / xxx / blow ?-?jobs? / hand ?-?jobs? / foot ?-?jobs? / rim ?-?jobs? / masturbat\w* / cum ?-?(?:shots?|ming|sluts?|dumps?) / creampies? / deep ?-?throat\w* / gang ?-?bangs? / bukkake / dildos? / futanari / ahegao / incest\w* / doggy ?-?style / suck(?:ing|s)? (?:a |his |my |that )?(?:cocks?|dicks?) / (?:huge|big|hard|thick|erect|throbbing) (?:black |white )?(?:cocks?|dicks?) / cum (?:on|in|inside|covered|all over|dripping|drenched) / fuck(?:ing|ed|s)? / ficken / gefickt / follando / pompino / rule ?34"""
)
ANATOMY = w.sign(
    r"penis(?:es)? / vagina\w* / vulvas? / genital\w* / clitor\w+ / breasts? / nipples? / buttocks / crotch / anus / private parts / erections?"
)
PAEDIATRIC = w.sign(
    r"puberty / sex ?-?(?:ed|education) / anatom\w+ / textbook / leaflet / diagram / p(?:a|ae|e)diatric\w* / breast ?-?fe\w+ / breast ?-?milk / breast ?-?pump / nursing / vaccin\w+ / hpv / health class / biology / medical / circumcision clinic / cancer / charity / safeguarding / midwi\w+ / obstetric\w* / ultrasound"
)
NO_SEXUAL = either(w.NO_NUDE, w.NO_SEX, w.PLACES)
CONTEXT = either(w.ART, w.HEALTH, w.TITLES)
MINOR_REASON = "Nothing here may sexualise a minor, drawn or real. Nothing was made."
REAL_REASON = "Sexual pictures of real people are not made here."

RULES = [
    {
        "slug": "sexualised-minors", "effect": "block", "category": "minor", "reason": MINOR_REASON,
        "pattern": AGE,
        "second_pattern": either(NUDE, EXPLICIT, SUGGESTIVE),
        "clears": either(w.NO_MINOR, NO_SEXUAL),
        "must_match": ["a naked 12 year old", "nude schoolgirl", "sexy toddler", "n4k3d ch1ld", "nacktes Kind", "enfant nue",
                       "niña desnuda", "голая девочка", "裸の少女"],
        "must_not_match": ["kids playing in a sandbox", "a portrait in nude tones, baby blue dress", "Madonna and Child, nude putti",
                           "sonata in C minor, naked branches in winter", "sex education for teenagers", "kid gloves and nude heels",
                           "a naked mole-rat and her babies"],
    },
    {
        "slug": "minors-and-anatomy", "effect": "block", "category": "minor", "reason": MINOR_REASON,
        "pattern": w.sign(w.AGE.replace("high|", "").replace("/ boys? ", ""), raw=w.AGE_RAW),
        "second_pattern": ANATOMY,
        "clears": either(w.NO_MINOR, NO_SEXUAL, w.sign(r"chicken breasts? / breast ?-?(?:feed\w*|fed|milk|pump|cancer|stroke|plate|pocket)s? / (?:chicken|turkey|duck|robin s red) breasts? / robin red breast / red ?-?breast\w*")),
        "eased_by": PAEDIATRIC,
        "must_match": ["a toddler with exposed genitals"],
        "must_not_match": ["a mother breastfeeding her baby", "chicken breast for the kids"],
    },
    {
        "slug": "minors-by-name", "effect": "block", "category": "minor", "reason": MINOR_REASON,
        "pattern": w.sign(r"loli(?:con|ta ?con)? / lolis / shota(?:con)?s? / jail ?bait / child ?-?porn\w* / kiddie ?-?porn\w* / kinderporn\w* / pornografia infantil / pedopornogra\w+ / cp porn / p(?:a)?edo(?:phil\w*|s|bear|porn) / barely legal teens? / preteen models?", raw="ロリコン|ショタコン|幼女エロ|児童ポルノ|детское порно|педофил"),
        "clears": w.sign(r"against p(?:a)?edophil\w+ / pedo meter / lolita fashion / stop child ?-?porn\w* / (?:stop|against|fight|prevent|combat|report)(?:ing)? (?:child ?-?porn\w*|p(?:a)?edophil\w+)"),
        "must_match": ["loli", "shotacon", "l0l1", "child porn"],
        "must_not_match": ["a lollipop", "lolita fashion dress", "pedometer on a wrist"],
    },
    {
        "slug": "undressing-people", "effect": "block", "category": "intimate", "reason": REAL_REASON,
        "pattern": w.sign(r"deep ?-?fake ?-?(?:porn|nude|naked|sex)\w* / deep ?-?nud\w+ / nudif(?:y|ied|ier|ies|ying) / undress ?-?(?:her|him|them|ai|this|my) / (?:remove|take off|strip) (?:his|her|their|the) (?:clothes|clothing|dress|shirt|bra|underwear|bikini) / revenge ?-?porn\w* / (?:spy|hidden) ?-?cam (?:porn|nude|naked|shower)\w* / upskirt photos?"),
        "clears": w.sign(r"against (?:deep ?-?fakes?|revenge porn) / (?:stop|fight|prevent|report|victims? of|law against|support for)(?:ing)? (?:deep ?-?fake|revenge) ?-?porn\w*"),
        "must_match": ["deepfake porn", "nudify her", "remove her clothes"],
        "must_not_match": ["stop revenge porn, a poster", "remove the background"],
    },
    {
        "slug": "real-people-sexual", "effect": "block", "category": "intimate", "reason": REAL_REASON,
        "pattern": w.REAL,
        "second_pattern": either(NUDE, EXPLICIT),
        "clears": NO_SEXUAL,
        "must_match": ["my neighbour naked in the shower", "a nude celebrity"],
        "must_not_match": ["my boss in a nude lipstick", "my teacher explains sex education"],
    },
    {
        "slug": "sexual-violence", "effect": "block", "category": "sexual", "reason": "Sexual violence is not made here.",
        "pattern": w.sign(r"rape[sd]? / raping / rapists? / gang ?-?rape\w* / sexual(?:ly)? assault\w* / bestiality / zoophil\w* / necrophil\w* / snuff (?:film|porn|video)s? / vergewaltig\w* / sodomie mit tieren / violer une / violaciones? sexuale?s? / violada / stuprat[ao] / stupro / gwalt na", raw="изнасил|強姦|レイプ|强奸|강간"),
        "clears": either(NO_SEXUAL, w.TITLES),
        "eased_by": either(w.ART, w.HEALTH),
        "must_match": ["a woman being raped", "gangrape"],
        "must_not_match": ["a field of rape in bloom", "The Rape of the Sabine Women, Giambologna", "rape crisis helpline poster"],
    },
    {
        "slug": "explicit", "effect": "ask", "level": 2, "category": "sexual",
        "reason": "This may become a sexual picture; it would be marked as mature and kept from those who did not choose to see such.",
        "pattern": STRONG,
        "clears": NO_SEXUAL,
        "eased_by": w.HEALTH,
        "must_match": ["hentai", "p0rn", "pornographic scene"],
        "must_not_match": ["food porn, a burger", "a deep throat informant in a garage"],
    },
    {
        "slug": "sexual", "effect": "ask", "level": 2, "category": "sexual",
        "reason": "This may become a sexual picture; it would be marked as mature and kept from those who did not choose to see such.",
        "pattern": either(EXPLICIT, SUGGESTIVE),
        "clears": NO_SEXUAL,
        "eased_by": CONTEXT,
        "must_match": ["sex on a beach at night", "a seductive look", "s e x"],
        "must_not_match": ["a cocktail called sex on the beach", "a map of Essex", "a cock crowing at dawn", "the sex pistols"],
    },
    {
        "slug": "nudity", "effect": "level", "level": 2, "category": "sexual", "reason": "Nudity is marked as mature.",
        "pattern": NUDE,
        "clears": NO_SEXUAL,
        "eased_by": CONTEXT,
        "must_match": ["a nude woman", "(nu:1.2)de", "n u d e", "a n u d e woman", "eine nackte Frau", "femme nue", "mujer desnuda"],
        "must_not_match": ["nude lipstick", "a naked mole-rat", "a great tit", "a bottomless lake", "nu metal concert"],
    },
    {
        "slug": "gore", "effect": "ask", "level": 1, "category": "violence",
        "reason": "This may become a picture of graphic violence; it would be marked as sensitive.",
        "pattern": w.sign(r"gore / gory / gorefest / guro / dismember\w* / disembowel\w* / eviscerat\w* / decapitat\w* / behead(?:ed|ing|s)? / mutilat\w* / entrails / intestines spilling / guts spilling / severed (?:head|limb|arm|leg|hand|finger)s? / blood ?-?bath / torture ?-?porn / enthaupt\w* / verstummel\w* / decapite\w* / eventre\w* / decapitad[oa]s? / desmembrad[oa]s?"),
        "clears": w.GORE_CLEARS,
        "eased_by": either(w.ART, w.TITLES, w.sign("first aid / medical / surgery / veterinar\\w+ / halloween")),
        "must_match": ["gore", "a severed head on a plate", "d1sm3mb3r3d body"],
        "must_not_match": ["Al Gore on a stage", "Judith beheading Holofernes, Caravaggio", "Kensington Gore"],
    },
    {
        "slug": "self-harm", "effect": "ask", "level": 1, "category": "self-harm",
        "reason": "This touches on self-harm. If it is about you: please talk to somebody you trust, or call your local helpline.",
        "pattern": w.sign(r"suicid\w* / self ?-?harm\w* / self ?-?mutilat\w* / kill (?:my|your)sel(?:f|ves) / kms / (?:cut|cutting|slit|slitting|slash|slashing) (?:my|her|his|their|your)? ?wrists? / hang(?:ing)? (?:myself|himself|herself) / noose around (?:his|her|my) neck / pro ?-?ana / thinspo\w* / overdos(?:e|ing) on pills / selbstmord\w* / suizid\w* / sich umbring\w+ / se suicider / me tuer / suicidarse / suicidio / matarme / autolesion\w*"),
        "clears": w.SELF_HARM_CLEARS,
        "eased_by": either(w.HEALTH, w.ART, w.TITLES),
        "must_match": ["suicide", "cutting her wrists", "pro-ana"],
        "must_not_match": ["suicide prevention poster", "Suicide Squad fan art", "car with suicide doors"],
    },
    {
        "slug": "hate", "effect": "ask", "level": 1, "category": "hate",
        "reason": "This touches on hatred of people for who they are. Pictures that glorify it are taken down.",
        "pattern": w.sign(r"nazis? / neo ?-?nazis? / hitler / hitlers / swastikas? / ku ?klux ?klan / (?:the|join|grand wizard of the) kkk / kkk (?:rally|hoods?|members?|robes?|klan|flags?) / white (?:power|supremac\w*|pride) / ethnic cleansing / lynch(?:ing|ed| mobs?) / heil / sieg ?heil / aryan race / hakenkreuz\w* / judenschwein / auslander raus / sale juif / sales arabes / bougnoules? / sudacas? / untermensch\w* / (?:kill|gas|exterminate|hang|burn|hate) (?:all |the |all the )?(?:jews?|blacks?|muslims?|gays?|trans|immigrants?|mexicans?|asians?|arabs?|women|christians?)"),
        "clears": w.HATE_CLEARS,
        "eased_by": either(w.TITLES, w.sign(r"museum / memorial / holocaust / documentary / textbook / education\w* / nuremberg / victims / anti-?fascis\w+ / resistance")),
        "must_match": ["hitler", "a swastika flag", "h1tl3r", "gas the jews"],
        "must_not_match": ["anti-nazi resistance poster", "a Hindu temple swastika in rangoli", "a white power outlet"],
    },
]  # fmt: skip
