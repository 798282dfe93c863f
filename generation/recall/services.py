"""Settings read from the file of a picture, as far as they can be used here; the rest is listed in sentences."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import File
from django.utils.translation import gettext as _

from accounts.models import User
from generation.catalogue import samplers
from generation.catalogue.kinds import Kind
from generation.infotext.reading import Recipe, read_recipe
from generation.media.texts import OUR_PICTURE, read_texts
from generation.models import Checkpoint, Image, Lora
from generation.parameters import LoraUse
from generation.validation import MAX_CLIP_SKIP, MAX_GUIDANCE, MAX_PROMPT, MAX_SEED
from generation.workspace.remixes import Remix, remix_of, written_loras
from lib.errors import Refused


@dataclass(frozen=True)
class Recalled:
    """`initial` fills the form; `missing` lists, in sentences, what was not taken; `program` wrote the file."""

    program: str
    initial: dict[str, Any]
    missing: list[str] = field(default_factory=list)


def recall_settings(*, member: User, file: File[bytes], at: datetime) -> Recalled:
    """The settings in a picture that Salon, AUTOMATIC1111, Forge, ComfyUI or InvokeAI made.

    Raises:
        Refused: 400 for a file that says nothing about how it was made.
    """
    texts = read_texts(file)
    recipe = read_recipe(texts)
    if recipe is not None:
        return match_recipe(recipe)
    remix = _remix_of_ours(texts.get(OUR_PICTURE, ""), member, at)
    if remix is not None:
        return Recalled(
            "Salon", {name: value for name, value in remix.initial.items() if name != "kind"}, remix.missing
        )
    message = _("This file does not say how it was made. Programs that copy pictures often leave that out.")
    raise Refused("no_settings", message, fields={"file": [message]})


def _remix_of_ours(public_id: str, member: User, at: datetime) -> Remix | None:
    """A copy of a picture of this site, whose settings the member may see."""
    if not public_id:
        return None
    rows = Image.objects.visible_to(member, at).filter(public_id=public_id)
    image = rows.select_related("generation__checkpoint", "generation__style").first()
    return None if image is None else remix_of(image, kind="same", member=member, at=at)


def match_recipe(recipe: Recipe) -> Recalled:
    """What of a recipe can be drawn with the checkpoints, samplers, LoRAs and styles of this site."""
    matching = _Matching(recipe)
    matching.match_checkpoint()
    matching.match_texts()
    matching.match_numbers()
    matching.match_sampler()
    matching.match_loras()
    matching.list_the_rest()
    return Recalled(recipe.program, matching.initial, matching.missing)


class _Matching:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.initial: dict[str, Any] = {}
        self.missing: list[str] = []
        self.offered = list(Checkpoint.objects.enabled().order_by("pk"))
        self.checkpoint = next(iter(self.offered), None)

    def match_checkpoint(self) -> None:
        """By the hash of its weights, else by its name."""
        name, digest = self.recipe.checkpoint, self.recipe.checkpoint_hash.lower()
        wanted = {name.casefold(), PurePosixPath(name).stem.casefold()}
        found = next((each for each in self.offered if len(digest) >= 8 and each.sha256.startswith(digest)), None)
        if found is None and name:
            found = next((each for each in self.offered if {each.slug, each.name.casefold()} & wanted), None)
        if found is not None:
            self.checkpoint = found
        elif name or digest:
            self.missing.append(_("The checkpoint “%(name)s” is not here.") % {"name": name or digest})
        if self.checkpoint is not None:
            self.initial["checkpoint"] = self.checkpoint.slug

    def match_texts(self) -> None:
        for field_name in ("prompt", "negative_prompt"):
            text = getattr(self.recipe, field_name)
            if len(text) > MAX_PROMPT:
                self.missing.append(_("The end of a prompt: it has more than 2,000 characters."))
            self.initial[field_name] = text[:MAX_PROMPT]
        style = self.recipe.style
        if style and self.checkpoint is not None and self.checkpoint.styles.filter(slug=style).exists():
            self.initial["style"] = style
        elif style:
            self.missing.append(_("The style “%(name)s” is not here.") % {"name": style})

    def match_numbers(self) -> None:
        recipe, checkpoint = self.recipe, self.checkpoint
        most = checkpoint.max_steps if checkpoint else 0
        self._take("steps", recipe.steps, recipe.steps is not None and 1 <= recipe.steps <= most, _("Steps"))
        fits = recipe.guidance is not None and 0 <= recipe.guidance <= MAX_GUIDANCE
        self._take(
            "guidance", recipe.guidance if recipe.guidance is None else f"{recipe.guidance:g}", fits, _("Guidance")
        )
        self._take("seed", recipe.seed, recipe.seed is not None and recipe.seed <= MAX_SEED, _("Seed"))
        if recipe.width and recipe.height:
            fits = checkpoint is not None and [recipe.width, recipe.height] in checkpoint.sizes
            self._take("size", f"{recipe.width}x{recipe.height}", fits, _("Size"))
        if recipe.variation_seed is not None and recipe.variation_strength is not None:
            strength, fits = recipe.variation_strength, 0 <= recipe.variation_strength <= 1
            fits = fits and recipe.seed is not None and bool(checkpoint and checkpoint.facts.supports(Kind.VARIATION))
            self._take("variation_seed", recipe.variation_seed, fits, _("Variation seed"))
            if fits:
                self.initial |= {"edit_kind": str(Kind.VARIATION), "variation_strength": f"{strength:g}"}
        if recipe.clip_skip is not None and recipe.clip_skip > 1:
            fits = bool(checkpoint and checkpoint.facts.has_clip_skip and recipe.clip_skip <= MAX_CLIP_SKIP)
            self._take("clip_skip", recipe.clip_skip, fits, _("Clip skip"))

    def _take(self, name: str, value: object, fits: bool, label: str) -> None:
        if value is None:
            return
        if fits:
            self.initial[name] = value
        else:
            self.missing.append(_("%(setting)s: %(value)s cannot be chosen here.") % {"setting": label, "value": value})

    def match_sampler(self) -> None:
        recipe = self.recipe
        if not recipe.sampler or self.checkpoint is None:
            return
        offered: list[str] = self.checkpoint.schedulers
        found = recipe.sampler if recipe.sampler in offered else None
        same = samplers.find(recipe.sampler) if recipe.program == "Salon" else None
        if same is not None:
            found = found or next((each for each in offered if samplers.find(each) == same), None)
        found = found or samplers.recognise(recipe.sampler, recipe.schedule, offered=offered)
        name = f"{recipe.sampler} {recipe.schedule}".strip()
        self._take("scheduler", found or name, found is not None, _("Sampler"))

    def match_loras(self) -> None:
        if not self.recipe.loras:
            return
        rows = Lora.objects.offered_to(self.checkpoint) if self.checkpoint is not None else Lora.objects.none()
        known = {name: row for row in rows for name in (row.slug.casefold(), row.name.casefold())}
        taken = []
        for name, weight in self.recipe.loras:
            row = known.get(name.casefold()) or known.get(PurePosixPath(name).stem.casefold())
            if row is None or not -2 <= weight <= 2:
                self.missing.append(_("The LoRA “%(name)s” is not here.") % {"name": name})
            else:
                taken.append(LoraUse(row.slug, weight))
        if taken:
            self.initial["loras"] = written_loras(taken)

    def list_the_rest(self) -> None:
        if self.recipe.strength is not None:
            self.missing.append(_("It was made from another picture. Choose that picture yourself."))
        if self.recipe.others:
            names = ", ".join(name[:60] for name in self.recipe.others[:20])
            self.missing.append(_("Settings that Salon does not have: %(names)s.") % {"names": names})
