"""What happens to a campaign: set up, opened, ended; and to who takes part: agreed, left."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.files.base import File
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from generation.models import Checkpoint
from lib.errors import NotFound, Refused
from lib.limits import check_rate
from moderation.restrictions.services import require_unrestricted
from ratings.asking.models import Question
from ratings.asking.questions.models import CAMPAIGN_PREFIX
from ratings.benchmarks.models import BenchmarkPrompt, PromptSet
from ratings.benchmarks.prompts import Prompt, hash_of, import_prompts, to_lines
from ratings.benchmarks.services import enabled_checkpoints
from ratings.campaigns.imports.archives import read_archive
from ratings.campaigns.imports.metadata import MOST_PICTURES, Row
from ratings.campaigns.imports.models import CampaignArchive
from ratings.campaigns.imports.planning import keep_archive, plan_imports, prompts_in, require_pairs
from ratings.campaigns.models import Campaign, CampaignMember, CampaignPicture

ARCHIVES_A_DAY = 20  # of one researcher
MOST_ANSWERS = 1_000
MOST_MEMBERS = 2_000
BATCH = 1_000
LABELS, LONGEST_LABEL = 5, 40
LOCK = 7_500_001  # of advisory locks


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question of the campaign alone; `labels` from worst to best."""

    text: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a researcher sets up: prompts, checkpoints and a size, from which pictures are drawn, or else an archive.

    Args:
        prompts: At least one; the same prompts as in an earlier set are that set.
        pictures_a_prompt: Seeds per prompt and checkpoint, the same ones for all checkpoints.
        archive: A ZIP of pictures with `metadata.csv` or `metadata.jsonl`, which names their prompts and models.
        licence: Of the pictures in the archive.
        question: A question of the bank about single pictures, or “which is better” about pairs, or a new one.
        listed: Usernames; empty: every member is asked.
    """

    title: str
    question: Question | NewQuestion
    consent_text: str
    answers_wanted: int
    starts_at: datetime
    ends_at: datetime
    prompts: Sequence[Prompt] = ()
    checkpoints: Sequence[str] = ()
    size: tuple[int, int] = (0, 0)
    pictures_a_prompt: int = 1
    archive: File[bytes] | None = None
    licence: str = ""
    listed: Sequence[str] = ()

    @property
    def is_about_pairs(self) -> bool:
        return isinstance(self.question, Question) and self.question.form == Question.Form.PAIR


@dataclass(frozen=True, slots=True)
class Imported:
    """An archive that was read and is kept."""

    rows: Sequence[Row]
    archive: CampaignArchive


def create_campaign(*, plan: Plan, created_by: User, at: datetime | None = None) -> Campaign:
    """Stores a campaign and plans its pictures, which `pictures.draw_pictures` or `imports.import_pictures` make.

    Raises Refused with `fields`: a title or consent text that is missing, unknown checkpoints or members, a size that
    a checkpoint cannot draw, too few checkpoints for pairs, too many pictures, numbers or days that make no sense, an
    archive that cannot be imported; 429 for too many archives.
    """
    at = at or timezone.now()
    _check(plan, at)
    members = _members(plan.listed)
    if plan.archive is None:
        return _create_drawn(plan, members, created_by, at)
    check_rate(key=f"campaign-archives:{created_by.pk}", limit=ARCHIVES_A_DAY, seconds=86_400)
    rows = read_archive(plan.archive)
    if plan.is_about_pairs:
        require_pairs(rows)
    return _create_imported(plan, members, Imported(rows, keep_archive(file=plan.archive, at=at)), created_by, at)


@transaction.atomic
def _create_drawn(plan: Plan, members: Sequence[User], created_by: User, at: datetime) -> Campaign:
    checkpoints = _checkpoints(plan)
    _check_drawing(plan, checkpoints)
    campaign = _create(plan, plan.prompts, members, created_by, at)
    _plan_pictures(campaign, checkpoints)
    return campaign


@transaction.atomic
def _create_imported(
    plan: Plan, members: Sequence[User], imported: Imported, created_by: User, at: datetime
) -> Campaign:
    rows = imported.rows
    campaign = _create(plan, prompts_in(rows), members, created_by, at)
    campaign.state, campaign.seeds = Campaign.State.IMPORTING, sorted({row.seed for row in rows})
    campaign.save(update_fields=["state", "seeds"])
    plan_imports(campaign=campaign, rows=rows, archive=imported.archive, licence=plan.licence, at=at)
    return campaign


def _create(plan: Plan, prompts: Sequence[Prompt], members: Sequence[User], created_by: User, at: datetime) -> Campaign:
    """The campaign and its members; call inside a transaction."""
    with connection.cursor() as cursor:  # one at a time: two of the same title get two addresses
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    slug = _free_slug(plan.title)
    width, height = plan.size
    campaign = Campaign.objects.create(
        slug=slug,
        title=plan.title,
        prompt_set=_prompt_set(slug, plan.title, prompts, at),
        seeds=list(range(1, plan.pictures_a_prompt + 1)),
        width=width,
        height=height,
        question=_question(slug, plan.question),
        audience=Campaign.Audience.LISTED if members else Campaign.Audience.ALL,
        answers_wanted=plan.answers_wanted,
        consent_text=plan.consent_text,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        created_by=created_by,
        created_at=at,
    )
    CampaignMember.objects.bulk_create(CampaignMember(campaign=campaign, member=member) for member in members)
    return campaign


def _checkpoints(plan: Plan) -> list[Checkpoint]:
    try:
        return enabled_checkpoints(plan.checkpoints)
    except Refused as refusal:
        raise _refused("checkpoints", refusal.message) from None


def _check(plan: Plan, at: datetime) -> None:
    """Whatever the pictures are."""
    if not plan.title.strip():
        raise _refused("title", _("A campaign needs a title."))
    if not plan.consent_text.strip():
        raise _refused("consent_text", _("Say what members agree to."))
    if plan.archive is not None and not plan.licence.strip():
        raise _refused("licence", _("Say under which licence the pictures may be published."))
    if not 1 <= plan.answers_wanted <= MOST_ANSWERS:
        raise _refused("answers_wanted", _("Between 1 and %(most)d.") % {"most": MOST_ANSWERS})
    if plan.ends_at <= max(plan.starts_at, at):
        raise _refused("ends_on", _("The end lies in the future, and after the start."))
    if isinstance(plan.question, NewQuestion):
        _check_question(plan.question)
    elif plan.question.form not in (Question.Form.SCALE, Question.Form.PAIR):
        raise _refused("question", _("A campaign rates single pictures or compares pairs."))


def _check_drawing(plan: Plan, checkpoints: Sequence[Checkpoint]) -> None:
    pictures = len(plan.prompts) * plan.pictures_a_prompt * len(checkpoints)
    if len(checkpoints) < (2 if plan.is_about_pairs else 1):
        raise _refused("checkpoints", _("Comparing pairs needs two checkpoints or more, rating at least one."))
    for row in checkpoints:
        if list(plan.size) not in row.sizes:
            raise _refused("size", _("%(name)s does not draw this size.") % {"name": row.name})
    if not 1 <= pictures <= MOST_PICTURES:
        message = _("That makes %(n)d pictures; a campaign has between 1 and %(most)d.")
        raise _refused("pictures_a_prompt", message % {"n": pictures, "most": MOST_PICTURES})


def _check_question(question: NewQuestion) -> None:
    if not question.text.strip() or len(question.text) > 200:
        raise _refused("new_question", _("A question has between 1 and 200 characters."))
    if len(question.labels) != LABELS or not all(0 < len(label) <= LONGEST_LABEL for label in question.labels):
        message = _("Five steps from worst to best, of at most %(most)d characters each.")
        raise _refused("labels", message % {"most": LONGEST_LABEL})


def _refused(field: str, message: str) -> Refused:
    return Refused("bad_campaign", message, fields={field: [message]})


def _members(usernames: Sequence[str]) -> list[User]:
    wanted = {name.lower(): name for name in usernames}
    if len(wanted) > MOST_MEMBERS:
        raise _refused("listed", _("At most %(most)d members.") % {"most": MOST_MEMBERS})
    active = User.objects.filter(is_active=True, is_simulated=False, deleted_at=None)
    named = active.alias(name=Lower("username")).filter(name__in=wanted)
    found = {user.username.lower(): user for user in named}
    unknown = [name for key, name in wanted.items() if key not in found]
    if unknown:
        raise _refused("listed", _("No such members: %(names)s.") % {"names": ", ".join(unknown[:20])})
    return list(found.values())


def _free_slug(title: str) -> str:
    start = slugify(title)[:40] or "campaign"
    taken = set(Campaign.objects.filter(slug__startswith=start).values_list("slug", flat=True))
    return next(slug for slug in (start, *(f"{start}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)


def _prompt_set(slug: str, title: str, prompts: Sequence[Prompt], at: datetime) -> PromptSet:
    name = f"{slug[:50]}-{hash_of(prompts)[:12]}"
    return import_prompts(slug=name, name=title, form=PromptSet.Form.TABLE, text=to_lines(prompts), at=at)


def _question(slug: str, question: Question | NewQuestion) -> Question:
    """The question; a new one is never active, so that nothing but its campaign asks it."""
    if isinstance(question, Question):
        return question
    name = f"{CAMPAIGN_PREFIX}{slug}"[:32].rstrip("-")
    version = (Question.objects.filter(slug=name).aggregate(last=Max("version"))["last"] or 0) + 1
    return Question.objects.create(
        slug=name, version=version, text=question.text, labels=list(question.labels), is_active=False
    )


def _plan_pictures(campaign: Campaign, checkpoints: Sequence[Checkpoint]) -> None:
    prompts = BenchmarkPrompt.objects.filter(prompt_set=campaign.prompt_set).order_by("number")
    planned = [
        CampaignPicture(campaign=campaign, checkpoint=checkpoint, prompt=prompt, seed=seed)
        for prompt in prompts
        for seed in campaign.seeds
        for checkpoint in checkpoints
    ]
    random.Random(campaign.pk).shuffle(planned)  # so that ids of pictures say nothing of their checkpoint
    CampaignPicture.objects.bulk_create(planned, batch_size=BATCH)


def open_campaign(*, campaign: Campaign, at: datetime | None = None) -> None:
    """Begins asking, from `starts_at` on.

    Raises Refused (409) unless its pictures are there and its end is not past.
    """
    at = at or timezone.now()
    ready = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.READY, ends_at__gt=at)
    if not ready.update(state=Campaign.State.OPEN, opened_at=at):
        message = _("Only a campaign whose pictures are there, and whose end is not past, can be started.")
        raise Refused("not_ready", message, status=409)
    campaign.refresh_from_db()


@transaction.atomic
def end_campaign(*, campaign: Campaign, at: datetime | None = None) -> bool:
    """Ends it for good, whatever its state: nothing is drawn or asked any more. False if it had ended already."""
    at = at or timezone.now()
    ended = Campaign.objects.unended().filter(pk=campaign.pk).update(state=Campaign.State.ENDED, ended_at=at)
    if ended:
        campaign.asks.close_unanswered(at)
    campaign.refresh_from_db()
    return bool(ended)


def end_past_campaigns(*, at: datetime | None = None) -> int:
    """Ends campaigns whose last day has passed; returns how many."""
    at = at or timezone.now()
    return sum(end_campaign(campaign=campaign, at=at) for campaign in Campaign.objects.to_end(at).order_by("pk"))


def agree_to_campaign(*, campaign: Campaign, member: User, at: datetime | None = None) -> None:
    """The member agrees to the consent text; whoever left may come back. Idempotent.

    Raises Refused: 404 for whoever is not asked, 403 for a restricted member, 409 while nothing is asked.
    """
    at = at or timezone.now()
    if not Campaign.objects.known_to(member).filter(pk=campaign.pk).exists():
        raise NotFound(_("Campaign not found."))
    require_unrestricted(user=member, doing="vote", at=at)
    if not campaign.is_asking(at):
        raise Refused("not_open", _("This study takes no answers now."), status=409)
    CampaignMember.objects.get_or_create(campaign=campaign, member=member)
    rows = CampaignMember.objects.filter(campaign=campaign, member=member)
    rows.exclude(agreed_at__isnull=False, left_at=None).update(agreed_at=at, left_at=None)


@transaction.atomic
def leave_campaign(*, campaign: Campaign, member: User, at: datetime | None = None) -> bool:
    """The member takes back their agreement: their open questions close and their answers no longer count."""
    at = at or timezone.now()
    taking_part = CampaignMember.objects.filter(campaign=campaign, member=member, agreed_at__isnull=False, left_at=None)
    if not taking_part.update(left_at=at):
        return False
    campaign.asks.filter(rater=member).close_unanswered(at)
    return True
