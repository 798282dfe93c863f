"""What Create and the page of a result show alike: the form, and what helps to fill it in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, Subquery

from accounts.models import User
from generation import queries
from generation.catalogue.kinds import MAX_REFERENCES
from generation.forms import CreateForm
from generation.media.signing import Picture, picture
from generation.models import Checkpoint, Image, ImageState, Style, Upload
from generation.requests.budgets import allowance_of
from generation.requests.edits import offer_of
from generation.requests.pictures import usable_pictures
from generation.workspace.history import recent_prompts
from lib.content_levels import ContentLevel
from lib.errors import NotFound

OFFERED = 18  # pictures to choose from for a mood board
SAMPLE_SECONDS = 600  # for which the same picture stands for a style
SAMPLE_SIZES = "72px"


def workspace(form: CreateForm, member: User, at: datetime, *, parent: Image | None = None) -> dict[str, Any]:
    """The context of ``generation/_form.html``."""
    if form.chosen is not None:
        form.samples = style_samples(form.chosen, member, at)
    context: dict[str, Any] = {
        "form": form,
        "parent": parent,
        "allowance": allowance_of(member, at),
        "recent_prompts": recent_prompts(member),
        "hints": form.chosen.hints if form.chosen is not None else {},
    }
    if parent is not None:
        context["parent_picture"] = queries.picture_for(parent, member, at)
    if isinstance(form.source, Upload):
        context["source_picture"] = queries.upload_picture(form.source)
    elif form.source is not None:
        context["source_picture"] = queries.picture_for(form.source, member, at)
    context["board"] = board_of(form, member, at)
    context["edited_picture"] = _edited_picture(form, member, at)
    return context


@dataclass(frozen=True)
class Board:
    """A mood board: pictures by their ids, how they will be followed, and others to put on it."""

    places: list[tuple[str, Picture]]
    offered: list[tuple[str, Picture]]
    looks: bool
    """Whether the checkpoint looks at them; else only the words that their prompts share are used."""

    @property
    def empty(self) -> range:
        return range(MAX_REFERENCES - len(self.places))


def board_of(form: CreateForm, member: User, at: datetime) -> Board:
    """What the member may not use is left out."""
    names = [name for name in str(form["references"].value() or "").split(",") if name][:MAX_REFERENCES]
    seen = Image.objects.visible_to(member, at).exclude(prefix="").filter(public_id__in=names)
    pictures = {image.public_id: queries.picture_for(image, member, at) for image in seen}
    own = Upload.objects.usable_by(member).filter(public_id__in=names)
    pictures |= {upload.public_id: queries.upload_picture(upload) for upload in own}
    ready = Image.objects.kept().filter(author=member, state=ImageState.READY, generation__is_draft=False)
    ready = ready.exclude(public_id__in=names).exclude(rendition_widths=[])
    offered = ready.order_by("-is_favourite", "-pk")[:OFFERED]
    return Board(
        places=[(name, pictures[name]) for name in names if name in pictures],
        offered=[(image.public_id, queries.picture_for(image, member, at)) for image in offered],
        looks=form.chosen is not None and offer_of(form.chosen).image_prompt is not None,
    )


def _edited_picture(form: CreateForm, member: User, at: datetime) -> Picture | None:
    """The picture that the form starts from by its id; None where there is none, or none that the member may use."""
    name = form["start_from"].value()
    try:
        (found,) = usable_pictures(member, [str(name)], at) if name else (None,)
    except NotFound:
        return None
    if found is None:
        return None
    return queries.upload_picture(found) if isinstance(found, Upload) else queries.picture_for(found, member, at)


def style_samples(checkpoint: Checkpoint, member: User, at: datetime) -> Mapping[str, Picture]:
    """The newest published picture of the general level for each style of a checkpoint, by the style's slug."""
    key = f"style-samples:{checkpoint.pk}"
    known: dict[str, int] | None = cache.get(key)
    if known is None:
        known = _newest(checkpoint, at)
        cache.set(key, known, SAMPLE_SECONDS)
    general = Image.objects.visible_to(member, at).filter(is_public=True, content_level=ContentLevel.GENERAL)
    images = general.in_bulk(list(known.values()))
    return {
        slug: picture(images[pk], viewer_may_sign=False, sizes=SAMPLE_SIZES, at=at)
        for slug, pk in known.items()
        if pk in images
    }


def _newest(checkpoint: Checkpoint, at: datetime) -> dict[str, int]:
    shown = Image.objects.public(at).filter(content_level=ContentLevel.GENERAL).exclude(rendition_widths=[])
    of_style = shown.filter(generation__style=OuterRef("pk"), generation__checkpoint=checkpoint).order_by("-pk")
    styles = Style.objects.filter(checkpoints=checkpoint).annotate(sample=Subquery(of_style.values("pk")[:1]))
    return dict(styles.exclude(sample=None).values_list("slug", "sample"))
