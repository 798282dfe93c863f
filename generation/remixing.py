"""What a remix takes over from a picture: the form it begins with, and what cannot be taken over."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from generation.models import Generation, Image, Lora, Upload

SAME = Generation.RemixKind.SAME_SETTINGS


@dataclass(frozen=True)
class Remix:
    """`initial` fills the form; `missing` says in sentences what of the picture is not in it."""

    initial: dict[str, Any]
    missing: list[str] = field(default_factory=list)


def remix_of(image: Image, *, kind: str, member: User, at: datetime) -> Remix:
    """The words, and for the same settings everything else too, of a picture that `member` may see.

    A hidden prompt stays hidden. Comes with ``generation__checkpoint`` and ``__style``.
    """
    made = image.generation
    initial: dict[str, Any] = {"kind": kind, "checkpoint": made.checkpoint.slug}
    missing = [] if made.checkpoint.is_enabled else [_("%(name)s is not offered any more.") % {"name": made.checkpoint}]
    if image.may_read_prompt(member):
        initial |= {"prompt": made.prompt, "negative_prompt": made.negative_prompt}
    else:
        missing.append(_("Its author keeps the prompt to themselves: write one of your own."))
    if kind != SAME:
        return Remix(initial, missing)
    loras, gone = _loras_of(made)
    missing += [_("The LoRA %(name)s is not here any more, or has changed.") % {"name": name} for name in gone]
    has_source = source_of(image, member, at) is not None or upload_of(image, member) is not None
    if made.strength is not None and not has_source:
        missing.append(_("It was made from a picture that cannot be used again: choose one of your own."))
    initial |= {
        "style": made.style.slug if made.style else "",
        "size": f"{made.width}x{made.height}",
        "steps": made.steps,
        "guidance": f"{made.guidance:g}",
        "scheduler": made.scheduler,
        "seed": image.seed,
        "loras": written_loras(loras),
        "strength": f"{made.strength:g}" if has_source and made.strength is not None else "",
        "keep_source": has_source,
    }
    return Remix(initial, missing)


def source_of(image: Image, viewer: Viewer, at: datetime) -> Image | None:
    """The picture that `image` was made from, where `viewer` may start from it too.

    None as well for one that somebody uploaded: for that see `upload_of`.
    """
    if image.generation.source_image_id is None:
        return None
    seen = Image.objects.visible_to(viewer, at).filter(pk=image.generation.source_image_id)
    return seen.exclude(prefix="").first()


def upload_of(image: Image, viewer: Viewer) -> Upload | None:
    """The picture that `viewer` brought and `image` was made from; None where somebody else did."""
    if image.generation.upload_id is None:
        return None
    return Upload.objects.visible_to(viewer).filter(pk=image.generation.upload_id).first()


def _loras_of(made: Generation) -> tuple[list[dict[str, Any]], list[str]]:
    """Those that would draw the same today, and the names of the others."""
    if not made.loras:
        return [], []
    offered = Lora.objects.filter(checkpoint=made.checkpoint_id, is_enabled=True)
    there = set(offered.values_list("slug", "sha256"))
    kept = [each for each in made.loras if (each["slug"], each["sha256"]) in there]
    return kept, [each["slug"] for each in made.loras if each not in kept]


def written_loras(loras: list[dict[str, Any]]) -> str:
    """As the form takes them: ``ink:0.8, gold:1``."""
    return ", ".join(f"{each['slug']}:{each['weight']:g}" for each in loras)


def read_loras(text: str) -> list[dict[str, str]]:
    """What `written_loras` wrote, or somebody typed; a name alone has weight 1. `check_request` says what is wrong."""
    parts = (part.strip().partition(":") for part in text.split(",") if part.strip())
    return [{"slug": slug.strip(), "weight": weight.strip() or "1"} for slug, _colon, weight in parts]
