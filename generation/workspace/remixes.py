"""What a remix fills into the form of Create, and LoRAs as that form writes them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from accounts.models import User
from generation.catalogue.kinds import FROM_SOURCE, Kind
from generation.models import Checkpoint, Generation, Image, Lora
from generation.parameters import LoraUse, Parameters
from generation.queries import source_image_for, source_upload_for
from generation.requests.edits import edit_fields

SAME = Generation.RemixKind.SAME_SETTINGS


@dataclass(frozen=True)
class Remix:
    """`initial` fills the form; `missing` lists, in sentences, what could not be copied."""

    initial: dict[str, Any]
    missing: list[str] = field(default_factory=list)


def remix_of(image: Image, *, kind: str, member: User, at: datetime) -> Remix:
    """The form for a remix: the prompt and, for the same settings, everything else of a picture that `member` may see.

    A hidden prompt stays hidden. Load ``generation__checkpoint`` and ``generation__style`` with the image.
    """
    made, parameters = image.generation, Parameters.of(image)
    initial: dict[str, Any] = {"kind": kind, "checkpoint": made.checkpoint.slug}
    missing = (
        [] if made.checkpoint.is_enabled else [gettext("%(name)s is no longer available.") % {"name": made.checkpoint}]
    )
    if image.may_read_prompt(member):
        initial |= {"prompt": parameters.prompt, "negative_prompt": parameters.negative_prompt}
    else:
        missing.append(gettext("The author hides the prompt. Write your own."))
    if kind != SAME:
        return Remix(initial, missing)
    loras, gone = _offered_loras(made.checkpoint, parameters.loras)
    missing += [gettext("The LoRA %(name)s has changed or is no longer available.") % {"name": name} for name in gone]
    has_source = source_image_for(image, member, at) is not None or source_upload_for(image, member) is not None
    has_source = has_source and parameters.kind != Kind.FINAL  # a draft is no picture of its own
    if parameters.kind in FROM_SOURCE - {Kind.FINAL} and not has_source:
        missing.append(gettext("It was made from a picture that you cannot use. Choose one of your own."))
    initial |= {
        "style": parameters.style.slug if parameters.style else "",
        "size": f"{parameters.width}x{parameters.height}",
        "steps": parameters.steps,
        "guidance": f"{parameters.guidance:g}",
        "scheduler": parameters.scheduler,
        "seed": parameters.seed,
        "loras": written_loras(loras),
        "clip_skip": parameters.clip_skip if parameters.clip_skip > 1 else "",
        "strength": f"{parameters.strength:g}" if has_source and parameters.strength is not None else "",
        "keep_source": has_source,
        **edit_fields(parameters, has_source=has_source),
    }
    return Remix(initial, missing)


def _offered_loras(checkpoint: Checkpoint, used: Iterable[LoraUse]) -> tuple[list[LoraUse], list[str]]:
    """Those that would draw the same today, and the names of the others."""
    offered = Lora.objects.offered_to(checkpoint)
    same = set(offered.values_list("slug", "sha256")) if used else set()
    kept = [each for each in used if (each.slug, each.sha256) in same]
    return kept, [each.slug for each in used if each not in kept]


def written_loras(loras: Iterable[LoraUse]) -> str:
    """As the form takes them: ``ink:0.8, gold:1``."""
    return ", ".join(f"{each.slug}:{each.weight:g}" for each in loras)


def read_loras(text: str) -> list[dict[str, str]]:
    """What `written_loras` wrote, or somebody typed; a name alone has weight 1. `check_request` says what is wrong."""
    parts = (part.strip().partition(":") for part in text.split(",") if part.strip())
    return [{"slug": slug.strip(), "weight": weight.strip() or "1"} for slug, _colon, weight in parts]
