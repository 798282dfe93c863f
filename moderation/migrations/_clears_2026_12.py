"""What the rules of December 2026 learned from texts of others: phrases that clear, words that were missing. As data."""

import importlib

w = importlib.import_module("moderation.migrations._rules_2026_12")
first = importlib.import_module("moderation.migrations._starting_rules_2026_12")

# A place of that name: the word, and within three words what places have.
_PLACE = r"(?:hamlet|village|town|river|county|township|parish|harbou?r|creek|mountain|peak|hill|valley|island|isle|lake|bay|covered bridge|castle|borough|canton|commune|district|savoie|normandy|manipur|ireland|pennsylvania|pa|donegal|gascony|newfoundland|georgia|post office|railway station|road sign|street sign|on (?:a|the|an old) map)"
PLACES = w.sign(
    rf"(?:intercourse|muff|pussy|condom|dildo|anal|anus|climax|cumming|orgy|penis|horny|gland|busen|titz|hooker|fanny)(?:[,'] |[, ]| in | at )(?:\w+,? ){{0,2}}{_PLACE} / (?:village|town|hamlet|river|lake|commune|parish|port|bay|mount|mt|city|isle) (?:of|in|called|named) (?:intercourse|muff|pussy|condom|dildo|anal|anus|climax|cumming|cum|orgy|horny|gland|busen|titz|hooker|fanny) / (?:alan|dr|mr|mrs|ms|professor) cumming / muff (?:diving|potter) club(?: sign)? / semen (?:padang|indonesia|gresik)"
)
DRINKS = w.sign(
    r"(?:orgasm|nipple|blow ?jobs?|quickie|bosom|sex on the beach|leg spreader|panty ?dropper|screw|sex)s? (?:\w+ )?(?:cocktail|mocktail|shot|shooter|highball|martini)s? / (?:cocktails?|mocktails?|shots?|drinks?) (?:called|named|menu:?) (?:a )?(?:screaming |slow |slippery )?(?:orgasm|nipple|screw|blow ?job) / (?:boston|banana|coconut|chocolate|custard|key lime|vanilla|butterscotch) (?:cream ?-?pies?|creampies?) / (?:cream ?-?pies?|creampies?) (?:slices?|recipe|desserts?|filling|crust|bakery|in the face|fight|thrown|with (?:berries|bananas|whipped|strawberries)|on a (?:windowsill|plate|picnic|counter)) / (?:stuffed|roast|roasted|braised|stewed|boiled|grilled|fighting|crowing) cocks? / cocks? (?:with|and|in|a) (?:chestnuts|hens?|bulls?|leeks?|wine|leekie|the farmyard|the barnyard|pheasants?|a barnyard|a farmyard) / cock ?-?(?:eyed|sure|crow|fights?|fighting|horse|tail|pit|loft|spur|roach|robin|ales?|feathers?|pheasants?|bird|birds)"
)
WORDS = w.sign(
    r"""
xxx (?:olympi\w+|legion|legio|ulpia|ring|anniversary|congress|summer|winter|century|edition|birthday) / (?:super ?bowl|wrestlemania|olympiad|olympics|louis|volume|vol|chapter|part|rocky|legion|legio|size|number|psalm|canto|sonnet|pope john) xxx / xxx(?:i{1,3}|iv|v|vi{1,3}|ix) /
ejaculated (?:the|he|she|mr|mrs|his|her|holmes|watson|old) / (?:social|human|commercial|diplomatic|daily|friendly|free|literary|verbal|spiritual) intercourse / intercourse (?:between|of|among|with) (?:nations|peoples?|states|minds|souls|friends|god|the world|equals|strangers) /
(?:educaci(?:o|ó)n|salud|orientaci(?:o|ó)n|diversidad|identidad|libertad) sexual / (?:(?:e|é)ducation|sant(?:e|é)|orientation|identit(?:e|é)|libert(?:e|é)) sexuelle / sexual(?:kunde|padagogik|erziehung|aufklarung) / sexuelle (?:bildung|aufklarung|gesundheit|orientierung|vielfalt|identitat) / sexual (?:orientation|identity|selection|dimorphism|reproduction|harassment|politics|revolution|health|ethics|equality) / sexe (?:faible|fort) / sex (?:ratio|chromosomes?|determination|discrimination|equality|linked|and (?:luc(?:i|í)a|death|gender|the single girl)|education|is zero|drugs (?:and|&) rock) / (?:fair|fairer|weaker|opposite|same|gentle)[- ]sex / same ?-?sex (?:couples?|marriages?|wedding|parents|love|partners?|relationship) / (?:female|male|both) sexe?s? of (?:the )?(?:bird|duck|beetle|butterfly|moth|plant)s? / sex (?:of (?:the )?(?:angels|bees|plants|flowers|chicks)) / sexy beast / deep ?-?throat,? (?:watergate|informant|in a garage|nixon|washington|the source) / (?:watergate|nixon|woodward|bernstein) \w{0,12} ?deep ?-?throat /
(?:le|un|les|du|des|premier|dernier|doux|tendre|ton|son|mon|ce) baisers? / baisers? (?:de|du|d|au|aux|a|sur|vole|voles|lepreux|esquimau|sale) / baiser (?:la main|le front|les pieds|l anneau|l autel) / polla de agua / pollas de agua / clitoria(?: ternatea| mariana| fairchildiana)? / mons pubis of venus / genital(?:is|ia)? (?:of (?:a |the )?(?:flower|moth|beetle|spider|insect|orchid)s?) /
(?:anal|dorsal|caudal|ventral|pelvic)(?: and (?:anal|caudal|dorsal|ventral|pelvic))? fins? / anal (?:fin|retentive|stage of freud|glands? of (?:a |the )?(?:dog|cat|skunk|beaver)s?) / (?:marsh|mud|coal|great|blue|crested|willow|long-tailed|bearded|sombre|azure|penduline) tits? / sexual(?:ly)? (?:mature|dimorphic|selected) / sexes and genders / erotic(?:a|ism)? (?:of (?:the )?(?:things|place|space|everyday)|in (?:art|poetry|literature|ovid)) / kinky boots / kinky (?:hair|curls|afro) / lewd? dodgson"""
)
NAKED = w.sign(
    r"""
nude (?:no|nr|n|number|study|studies|sketch|figure)\W{0,2} ?[0-9ivx]{1,5} / nude in (?:charcoal|pastels?|ink|oils?|bronze|marble|red chalk|chalk|pencil|watercolou?r|clay|plaster|graphite|gouache|stone|terracotta) / (?:charcoal|pastel|ink|bronze|marble|chalk|pencil|clay|plaster|terracotta|seated|standing|reclining|female|male) nude,? (?:no|nr|study|sketch|after|by|drawing|sculpture|bronze|museum|[0-9ivx]{1,4}) /
naked (?:hour|as nature intended|ambition|as the (?:day|moon|sky)|room|landscape|light|city|soul|heart|sky|earth|rooms|walls?|rocks?|hills?|hillside|cliffs?|steel|concrete|bricks?|wood|bulbs?|lightbulb|flames?|winter|january|february|november|boughs?|twigs?|seeds?|oats|grain|singularity|option|short|pizza|salad|wings|cakes?|sushi|clam|power|ambition|aggression|fear|honesty|mountains?|peaks?|dunes?|fields?|earth|island|sword|blade|steel|typography|type|canvas|page|street|engine|bike|bikes|motorcycles?|dress|ladies|lady lil\w+|mole|neck|necked) / nude (?:tights|pumps|palette|nails?|nail polish|lips?|lipsticks?|heels?|eyeshadow|tulle|leather|sandals?|stockings|colou?rs?|shades?|tones?|beige|macarons?|makeup|manicure|mouse|mice|rats?|food|organism) /
(?:child|kid|toddler|infant|boy|girl|baby)s? undress(?:ing|ed)? (?:for|at|before) (?:a |the )?(?:vaccinations?|medical|exam\w*|check-?up|doctor|hospital) / undress(?:ing|ed)? (?:for|at|before) (?:a |the )?(?:vaccinations?|medical|exam\w*|check-?up|doctor)""",
    raw="裸足|裸眼|裸子|裸麦|裸岩|裸一貫|裸の王様|裸電球|裸机|裸婚|裸考|裸辞|エロイカ|エロキュ|голая правда|голый король|голые (?:ветки|деревья|ветви|скалы|стены)|обнаж[её]нн(?:ые|ая) (?:деревья|ветви|скалы|земля|правда)",
)
GORE = w.sign(
    r"gore ?-?free / gore (?:make-?up|effects?|sfx|fx|prosthetics?) / (?:no|without|free of|minimal|less) gore / mutilated (?:\w+ )?(?:moth|butterfly|wings?|leaf|leaves|painting|manuscript|fresco|poster|map|photograph|relief|inscription|trees?|toys?|dolls?)s? / (?:dismembered|decapitated|beheaded|disembowelled|headless) (?:\w+ )?(?:mannequins?|dolls?|toys?|teddy|teddies|robots?|snowm[ae]n|statues?|flowers?|scarecrows?|gingerbread) / severed (?:cable|rope|ties|chains?|bonds?|links?|roots?|stems?|bridge|antlers?|line|wing of a (?:bird|plane|moth))s? / bloodbath (?:in the|on) (?:markets?|stock exchange|wall street)"
)
HARM = w.sign(
    r"(?:after|about|surviving|survived by|bereaved by|lost to|losing \w+ to|understanding|talking about|talk about|stop|end|zero) (?:a |an )?suicide / suicide (?:wings?|hot sauce|soda|squeeze|chilli|watch) / (?:cato|seneca|ajax|dido|lucretia|cleopatra|brutus|nero|sappho|hannibal|sophonisba)[ ']{0,2}s? suicide / suicides? (?:and (?:grief|stigma|faith)|statistics|bereave\w*|postvention|research|rates?|note of virginia woolf|barriers?|net|bridge net|watch training|of (?:ajax|saul|judas|lucretia|cleopatra|seneca|cato|dido|ophelia|brutus)|is preventable|safe\w*) / slit(?:ting)? (?:open )?(?:an?|the) (?:envelope|letter|parcel|fabric|dress|skirt|fish|bamboo) / self ?-?harm:? (?:what|how|a guide|information|and recovery|explained|training|policy)"
)
HATE = w.sign(
    r"(?:greek|minoan|mycenaean|roman|etruscan|celtic|hopi|navajo|finnish|baltic|slavic|hindu|buddhist|jain|tibetan|bon|persian|indian|balinese|korean|chinese|japanese|meander|vase|mosaic|blanket|rug|quilt|temple|rangoli|pottery)\W{1,2}(?:\w+ ){0,3}swastikas? / swastikas? \W{0,2}(?:\w+ ){0,4}(?:greek|minoan|mycenaean|roman|etruscan|celtic|hopi|navajo|finnish|baltic|hindu|buddhist|jain|tibetan|balinese|meander|vase|mosaic|blanket|rug|quilt|temple|rangoli|pottery) / (?:punch|punches|punching|fight|fights|fighting|stop|no|against|never again|smash|crush|fuck) (?:the |all |to )?nazis? / nazis? (?:not welcome|raus|out|off our streets|never again|go home|on the moon|zombies?|surf must die) / (?:iron sky|dead snow|wolfenstein|overlord) / klansman,? (?:philip )?guston / ku ?klux ?klan (?:trial|act|hearings?|victims?|in court|investigation)"
)
HATE_CONTEXT = w.sign(
    r"protest\w* / auction / chaplin / ruins / liberat\w+ / refugees? / captured / surrender\w* / parody / lampoon\w* / imitating hitler / satire / satirical / caricature / cartoon against / b-?movie / newspaper / archives? / trial / history (?:lesson|book|lecture|class|teacher) / exhibition / essay / philip guston / propaganda (?:analysis|lecture|museum) / never again / survivors? / liberation"
)
HARM_CONTEXT = w.sign(
    r"a guide for / guide for (?:families|parents|teachers|friends) / saves lives / what (?:teachers|parents|friends) should know / bereave\w+ / grief / grieving / teachers / postvention / stigma / lecture / film review / book review"
)
VIOLENCE = w.sign(
    r"rape (?:kits?|culture|crisis|whistles?|law|laws|trial|victims?|survivors?|statistics|prevention|seed|seeds|seedling|oil|honey|field|fields|flower|flowers|blossom|of (?:the (?:lock|sabines?|sabine women|daughters of leucippus|earth|forest|land)|europa|lucrece|lucretia|proserpina?|persephone|ganymede|helen|nanking|belgium|deianira|philomela|tamar|leda|dinah)) / (?:against|stop|end|surviv\w+|survivors? of|victims? of|protest\w* (?:against|over)|war crime of) (?:\w+ )?(?:rape|sexual assault|sexual violence) / rape,? (?:colza|canola|brassica|raps)"
)
# Of pictures of violence against somebody, being painted is no excuse; being one of these subjects is.
VIOLENCE_CONTEXT = w.sign(
    r"awareness / campaign / helpline / hotline / crisis (?:line|centre|center) / survivors? / counsell?ing / support (?:centre|center|group) / prevention / charity / leaflet / first aid / court(?:room)? sketch / tarquin / lucretia / lucrece / sabines? / sabine women / proserpina? / persephone / europa / leucippus / giambologna / bernini / titian / ovid / metamorphoses"
)
MISSING_NUDE = w.sign(
    r"pezones / pezon / senos desnudos / pechos desnudos / tette (?:grosse|nude|enormi) / capezzoli / nackedei / nackerte[rsnm]? / nackig\w* / barbusig\w* / nag[aiy] (?:kobieta|dziewczyna|mezczyzna|pani) / nagie kobiety / meztelen \w+ / naken (?:kvinna|man|dame|kvinne) / nogen kvinde / torse nu(?: feminin)? / entierement nue?s? / tout nus?",
    raw="야한|노출 (?:사진|여자)|裸の(?:女|男|人)|脱衣|голышом|нагишом|нагая|нагой|оголённ",
)
MISSING_SEX = w.sign(
    r"sex ?-?(?:szenen?|stellung\w*|spielzeug|bild\w*|video\w*|film\w*|toys?|tapes?|dolls?|slaves?|partys?|part(?:y|ies)|positions?|acts?|scenes?) / arschfick\w* / analverkehr / oralverkehr / scopando / pau duro / cazzo duro / polla dura / rola dura / bite dure / schwanz (?:hart|steif|blasen) / sborra\w* / gang ?-?bang\w* / wichsvorlage / levrette / sodomie / ejaculation faciale / culos? desnudos? / tetona / pechugona / sexo (?:oral|anal) / sexe anal",
    raw="ポルノ|エッチな|中出し|射精|アダルトビデオ|трахают|порев|минетчиц",
)
MISSING_HARM = w.sign(
    r"kill (?:urself|ur self|yaself|yourselves) / go hang (?:yourself|urself) / hang (?:yourself|urself) / rope (?:yourself|urself) / unalive (?:myself|yourself|herself|himself) / drink bleach"
)


_BIRDS = r"(?:hens?|fence|barn\w*|farm\w*|weather ?vane|dawn|dung\w*|feather\w*|combs?|crow(?:s|ing|ed)?|stubble|heather|coop|pheasants?|grain|turkeys?|chicks?|roost\w*|spurs?|bantams?|birds?|branch\w*|feeders?|nest\w*|reeds|birch|seeds?|suet|finch\w*|robins?|hedge\w*|twigs?|logs?|plumage|moor)"
BIRDS = rf"(?a)\bcocks?\b.{{0,30}}\b{_BIRDS}\b|\b{_BIRDS}\b.{{0,30}}\bcocks?\b|\btits?\b.{{0,30}}\b{_BIRDS}\b|\b{_BIRDS}\b.{{0,30}}\btits?\b"
MORE = w.sign(
    r"""
(?:rhode island|bantam|dunghill|game|moor|black|heath|turkey|barnyard|pea|wood|silkie|leghorn|golden) ?cocks? / cock (?:and bull|blackbird|sparrow|bullfinch|chaffinch|capercaillie|salmon|lobster|crab) / horny ?-?(?:skinned|handed|scaled|plated|headed|toads?|scales?|plates?|growths?|beaks?|shells?|layers?|hands?) /
porn ?-?star martinis? / sex (?:in|and) the city / (?:joy of|second|at dawn|the fairer|talk about|unsafe|battle of the) sex(?:es)? / sex (?:at dawn|drive|object|machine|bomb|on fire|kittens|tape,? film|offender register|pistols?|lies|hygiene) / sexing the cherry / sexual (?:personae|politics|healing|perversity in chicago|dependency|contract|dissidence|difference) / history of sexuality / ballad of sexual dependency / sexes? (?:des anges|de l ange) / (?:violences?|agressions?|harcelement|abus) sexuel(?:le)?s? / (?:violencia|acoso|agresion|abuso) sexual / (?:sexuelle|sexualisierte)[rn]? (?:gewalt|belastigung|ubergriffe) / sexting:? (?:talk|awareness|risks?|dangers?|advice|help|is|and the law) / talk\w* (?:to|with) (?:your )?(?:kids|children|teens|child) about \w+ / baisers? vol(?:e|é)s?""",
    raw="член(?:ы|а|ов|ом|у)? (?:семьи|клуба|партии|команды|экипажа|жюри|совета|союза|общества|правительства|академии|предложения)|エロス|セックス・ピストルズ|セックスアンド|アニエロ|자지러|.보지|보지 ?(?:못|않|마|말|도|는|를 못)|남녀 ?섹션",
)
CROPS = w.sign(
    r"rape,? (?:and|or|with) (?:barley|wheat|clover|mustard|oats|maize|rye|turnips?|beans|flax|linseed|sunflowers?) / (?:barley|wheat|oilseed|winter|spring|fodder|yellow|flowering|clover|mustard)(?:,| and)? rape / sexual(?:ly)? assault(?:s|ed)? (?:nurse|awareness|survivors?|prevention|support|hotline|referral|trial|kits?|centre|center|law|statistics|victims?)"
)
MASTERS = w.sign(
    r"kahlo / dali / magritte / warhol / koons / hockney / hopper / kirchner / beckmann / otto dix / grosz / nolde / kokoschka / freud / bonnard / vuillard / chagall / miro / max ernst / man ray / weston / mapplethorpe / goldin / newton exhibition / arbus / cranach / holbein / grunewald / altdorfer / baldung / memling / van eyck / van der weyden / bellini / mantegna / giotto / masaccio / lippi / signorelli / carracci / reni / guercino / domenichino / gentileschi / ribera / zurbaran / murillo / el greco / jordaens / van dyck / watteau / chardin / greuze / flaxman / blake / fuseli / turner / etty / leighton / burne-?jones / rossetti / millais / holman hunt / beardsley / moreau / redon / puvis / seurat / valadon / laurencin / brancusi / maillol / lehmbruck / kollwitz / giacometti / henry moore / hepworth / bourgeois / marble / bronze cast / vase / amphora / krater / relief / fresco / catalogue / retrospective / exhibition / museum / gallery label / auction / art (?:school|history|lecture|class) / kabinett / skulptur / gemalde / tableau / peinture / pintura / escultura / dipinto"
)
CARE = w.sign(
    r"clinic / nurses? / examiner / leaflets? / helpline / hotline / numero vert / denuncia / advice for parents / health (?:week|day|month|centre|center) / theatre school / make-?up tutorial / dermatology / pharmacy / urologists? / surgeons? / hospital / patient / lecture / awareness"
)


def _with(pattern, *more):
    return first.either(pattern, *more) if pattern else first.either(*more)


_SEXUAL = [PLACES, DRINKS, WORDS, NAKED, VIOLENCE, BIRDS, MORE, CROPS]


def changed():
    """Every rule that changes, as the values of its next version."""
    rules = {rule["slug"]: dict(rule) for rule in first.RULES}
    for slug in ("sexualised-minors", "minors-and-anatomy", "real-people-sexual", "explicit", "sexual", "nudity"):
        rules[slug]["clears"] = _with(rules[slug]["clears"], *_SEXUAL)
    rules["minors-by-name"]["pattern"] = rules["minors-by-name"]["pattern"].replace("shota(?:con)?s?", "shotacons?")
    for slug in ("sexual", "nudity", "gore", "self-harm"):
        rules[slug]["eased_by"] = _with(rules[slug]["eased_by"], MASTERS, CARE)
    rules["sexual-violence"]["clears"] = _with(rules["sexual-violence"]["clears"], VIOLENCE, CROPS, MORE)
    rules["sexual-violence"]["eased_by"] = VIOLENCE_CONTEXT
    rules["gore"]["clears"] = _with(rules["gore"]["clears"], GORE)
    rules["self-harm"]["clears"] = _with(rules["self-harm"]["clears"], HARM)
    rules["self-harm"]["eased_by"] = _with(rules["self-harm"]["eased_by"], HARM_CONTEXT)
    rules["self-harm"]["pattern"] = _with(rules["self-harm"]["pattern"], MISSING_HARM)
    rules["hate"]["clears"] = _with(rules["hate"]["clears"], HATE)
    rules["hate"]["eased_by"] = _with(rules["hate"]["eased_by"], HATE_CONTEXT)
    rules["nudity"]["pattern"] = _with(rules["nudity"]["pattern"], MISSING_NUDE)
    for slug in ("sexualised-minors", "real-people-sexual"):
        rules[slug]["second_pattern"] = _with(rules[slug]["second_pattern"], MISSING_NUDE, MISSING_SEX)
    rules["sexual"]["pattern"] = _with(rules["sexual"]["pattern"], MISSING_SEX)
    before = {rule["slug"]: rule for rule in first.RULES}
    return [rule for slug, rule in rules.items() if rule != before[slug]]


RULES = [rule for rule in first.RULES if rule["slug"] not in {each["slug"] for each in changed()}] + changed()
