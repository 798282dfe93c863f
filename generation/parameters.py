"""One record of everything that decides a picture.

The database stores it as columns; the batch key, the worker's job, the chunks of a PNG, the texts that people copy,
remixes, reproductions and dataset rows are all made from it. A new parameter is added here, with its column, its
check in `validation` and its field in `forms`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Required, Self, TypedDict, cast

from generation.catalogue.families import family_of
from generation.catalogue.kinds import MASKED, Edit, Kind, tiles
from generation.catalogue.samplers import written_as
from generation.infotext.a1111 import write_infotext
from generation.models import Checkpoint, Generation, Image, Style, Upload

RECORD_VERSION = 2
COLUMNS = (
    "prompt", "negative_prompt", "checkpoint_id", "style_id", "scheduler", "steps", "guidance", "width", "height",
    "loras", "source_image_id", "upload_id", "strength", "clip_skip", "kind", "edit", "is_draft",
)  # fmt: skip
"""Columns of Generation that, with the seed of the image, decide a picture."""


_WORDS_SQL = (
    "coalesce((SELECT string_agg(', ' || word, '' ORDER BY place) FROM "
    "jsonb_array_elements_text(made.edit #> '{references,words}') WITH ORDINALITY AS shared (word, place)), '')"
)
STYLED_PROMPT_SQL = (
    f"replace(coalesce(nullif(style.template, ''), '{{prompt}}'), '{{prompt}}', made.prompt || {_WORDS_SQL})"
)
"""`Parameters.styled_prompt` in SQL, where `made` is the generation and `style` its style, outer joined."""


def model_sql(checkpoint: str) -> str:
    """What datasets call the model in this row: its slug; of pictures that were imported, the name they came with."""
    return f"CASE WHEN {checkpoint}.engine = 'imported' THEN {checkpoint}.name ELSE {checkpoint}.slug END"


_DATASET_COLUMNS = {
    "checkpoint": model_sql("checkpoint"),
    "negative_prompt": "made.negative_prompt",
    "style": "coalesce(style.slug, '')",
    "scheduler": "made.scheduler",
    "steps": "made.steps",
    "guidance": "made.guidance",
    "loras": "made.loras",
    "remix": "made.remix_kind",
    "strength": "made.strength",
    "clip_skip": "made.clip_skip",
    "versions": "image.versions",
    "kind": "coalesce(nullif(made.kind, ''), CASE WHEN made.strength IS NULL THEN 'text2img' ELSE 'img2img' END)",
    "edit": "made.edit",
    "variation_seed": "image.variation_seed",
}


class Wanted(TypedDict, total=False):
    """A generation as it is asked for, numbers as numbers or as they were typed; what is left out is the default."""

    prompt: Required[str]
    checkpoint: Required[str]
    """Its slug."""
    negative_prompt: str
    style: str
    count: int | str
    seed: int | str | None
    width: int | None
    height: int | None
    steps: int | str | None
    guidance: float | str | None
    scheduler: str | None
    loras: Sequence[Mapping[str, Any]]
    remix_kind: str
    strength: float | str | None
    clip_skip: int | str | None
    kind: str
    """Of `catalogue.kinds`; left out, it follows from the pictures that come with the request."""
    mask_margin: int | str | None
    mask_feather: int | str | None
    borders: Mapping[str, int | str | None]
    """`left`, `top`, `right`, `bottom` in pixels of the source, for outpaint."""
    upscale_factor: float | str | None
    control: str
    """Slug of a ControlNet."""
    control_strength: float | str | None
    reference_strength: float | str | None
    variation_strength: float | str | None
    variation_seed: int | str | None
    is_draft: bool


@dataclass(frozen=True)
class CheckpointUse:
    """A checkpoint as a picture was made with it."""

    slug: str
    name: str
    sha256: str = ""
    family: str = ""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        return cls(checkpoint.slug, checkpoint.name, checkpoint.sha256, checkpoint.facts.slug)


@dataclass(frozen=True)
class StyleUse:
    """A style's texts, which are put around the member's own; `template` holds ``{prompt}`` once."""

    slug: str
    template: str
    negative_prompt: str = ""

    @classmethod
    def of(cls, style: Style | None) -> Self | None:
        return None if style is None else cls(style.slug, style.template, style.negative_prompt)


@dataclass(frozen=True)
class LoraUse:
    slug: str
    weight: float
    sha256: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(str(stored["slug"]), float(stored["weight"]), str(stored.get("sha256", "")))

    def as_column(self) -> dict[str, Any]:
        """As `Generation.loras` and the API hold it."""
        return {"slug": self.slug, "sha256": self.sha256, "weight": self.weight}


@dataclass(frozen=True)
class Parameters:
    """What decides one picture. `guidance` is the guidance scale, `strength` how much of a source is drawn anew,
    `scheduler` the slug of a sampler (in older rows a class name), `clip_skip` the layer of the text encoder that is
    read, 1 being the last. `width` and `height` are what the model draws at; a picture that was redrawn in part,
    extended or enlarged has the size `output`.

    The public ids of pictures that it was made from are filled in only for somebody who may start from them.
    """

    prompt: str
    negative_prompt: str
    checkpoint: CheckpointUse
    style: StyleUse | None
    scheduler: str
    steps: int
    guidance: float
    width: int  # pixels
    height: int
    seed: int
    loras: tuple[LoraUse, ...] = ()
    strength: float | None = None
    clip_skip: int = 1
    kind: Kind = Kind.TEXT2IMG
    edit: Edit = field(default_factory=Edit)
    variation_seed: int | None = None
    is_draft: bool = False
    output: tuple[int, int] | None = None  # pixels of the finished picture, where they differ
    source_image: str = ""
    source_upload: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)  # of the libraries that drew it

    @classmethod
    def of(
        cls, image: Image, *, source: Image | Upload | None = None, versions: Mapping[str, str] | None = None
    ) -> Self:
        """The record of an image; load its generation with checkpoint and style.

        Args:
            source: the picture it was made from, where whoever reads the record may use it.
            versions: what draws it now, while the row does not say so yet.
        """
        made = image.generation
        return cls(
            prompt=made.prompt,
            negative_prompt=made.negative_prompt,
            checkpoint=CheckpointUse.of(made.checkpoint),
            style=StyleUse.of(made.style),
            scheduler=made.scheduler,
            steps=made.steps,
            guidance=made.guidance,
            width=made.width,
            height=made.height,
            seed=image.seed,
            loras=tuple(LoraUse.of(each) for each in made.loras),
            strength=made.strength,
            clip_skip=made.clip_skip,
            kind=kind_of(made),
            edit=Edit.of(made.edit),
            variation_seed=image.variation_seed,
            is_draft=made.is_draft,
            output=None if (image.width, image.height) == (made.width, made.height) else (image.width, image.height),
            source_image=source.public_id if isinstance(source, Image) else "",
            source_upload=source.public_id if isinstance(source, Upload) else "",
            versions=image.versions if versions is None else versions,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the finished picture in pixels."""
        return self.output or (self.width, self.height)

    @property
    def styled_prompt(self) -> str:
        """What the model reads: the member's prompt, and words of a mood board, inside the style's template."""
        words = ", ".join((self.prompt, *self.edit.references.words))
        return ((self.style and self.style.template) or "{prompt}").replace("{prompt}", words)

    @property
    def styled_negative_prompt(self) -> str:
        return ", ".join(filter(None, (self.negative_prompt, self.style.negative_prompt if self.style else "")))

    @property
    def drawn_steps(self) -> int:
        """The steps that are really drawn: img2img leaves out the first ones."""
        return family_of(self.checkpoint.family).drawn_steps(self.steps, self.strength)

    def cost_units(self) -> int:
        """Pixels x drawn steps x passes of the model at each step: two with classifier-free guidance above 1.

        A picture that is enlarged is drawn in tiles, which overlap.
        """
        passes = family_of(self.checkpoint.family).passes(self.guidance)
        parts = len(list(tiles(*self.size, (self.width, self.height)))) if self.kind == Kind.UPSCALE else 1
        return self.width * self.height * parts * max(1, self.drawn_steps) * passes

    def batch_key(self) -> str:
        """All that images must share to be drawn in one call, as 32 hex digits.

        Prompts, seeds and the words of a mood board are no part of it, nor is the guidance scale where the family
        takes one per picture; the passes that it costs are.
        """
        family = family_of(self.checkpoint.family)
        mood = replace(self.edit.references, words=())
        shared = {
            "edit": replace(self.edit, references=mood).as_column(),
            "passes": family.passes(self.guidance),
            "guidance": None if family.mixes_guidance else float(self.guidance),
            "output": self.output if self.kind == Kind.UPSCALE else None,
            "checkpoint": [self.checkpoint.slug, self.checkpoint.sha256],
            "loras": [each.as_column() for each in self.loras],
            **self.as_job(),
        }
        return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:32]

    def as_job(self) -> dict[str, Any]:
        """The arguments of an engine's job that are equal for all pictures of a batch."""
        return {
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "scheduler": self.scheduler,
            "strength": self.strength,
            "clip_skip": self.clip_skip,
            "kind": self.kind,
        }

    def as_columns(self) -> dict[str, Any]:
        """The plain columns of a Generation; its rows (checkpoint, style, source) are set beside them."""
        columns = self.as_job() | {"prompt": self.prompt, "negative_prompt": self.negative_prompt}
        columns["guidance"] = float(self.guidance)
        edit = {"edit": self.edit.as_column(), "is_draft": self.is_draft}
        return columns | {"loras": [each.as_column() for each in self.loras]} | edit

    def as_request(self) -> Wanted:
        """What `submit_generation` and ``POST /api/generations/`` take to draw the picture again, its source apart."""
        return {
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "checkpoint": self.checkpoint.slug,
            "style": self.style.slug if self.style else "",
            "seed": self.seed,
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "guidance": self.guidance,
            "scheduler": self.scheduler,
            "loras": [each.as_column() for each in self.loras],
            "strength": self.strength,
            "clip_skip": self.clip_skip,
            "count": 1,
            **self._edit_request(),
        }

    def _edit_request(self) -> Wanted:
        """What the kind uses of the edit, as it is asked for."""
        edit, asked = self.edit, cast(Wanted, {})
        if self.kind not in (Kind.TEXT2IMG, Kind.IMG2IMG):  # these follow from whether there is a source
            asked["kind"] = self.kind
        if self.is_draft:
            asked["is_draft"] = True
        if self.kind in MASKED:
            asked |= {"mask_margin": edit.mask_margin, "mask_feather": edit.mask_feather}
        if edit.borders:
            asked["borders"] = asdict(edit.borders)
        if self.kind == Kind.UPSCALE:
            asked["upscale_factor"] = edit.factor
        if self.kind == Kind.VARIATION:
            asked |= {"variation_strength": edit.variation_strength, "variation_seed": self.variation_seed}
        if edit.control is not None:
            asked |= {"control": edit.control.slug, "control_strength": edit.control.strength}
        if edit.references.method:
            asked["reference_strength"] = edit.references.strength
        return asked

    def as_json(self, *, public_id: str = "") -> str:
        """The JSON in the ``salon`` chunk of a PNG; keys are added, never renamed. It names no source picture."""
        values = {
            "record_version": RECORD_VERSION,
            "public_id": public_id,
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "styled_prompt": self.styled_prompt,
            "styled_negative_prompt": self.styled_negative_prompt,
            "checkpoint": self.checkpoint.name,
            "checkpoint_slug": self.checkpoint.slug,
            "checkpoint_sha256": self.checkpoint.sha256,
            "style": self.style.slug if self.style else "",
            "loras": [each.as_column() for each in self.loras],
            "sampler": written_as(self.scheduler),
            "seed": self.seed,
            "versions": dict(self.versions),
            "edit": self.edit.as_column(),
            "variation_seed": self.variation_seed,
            "output": list(self.size),
            "guidance": float(self.guidance),
            **self.as_job(),
        }
        return json.dumps(values, ensure_ascii=False, sort_keys=True)

    def _edit_facts(self) -> dict[str, object]:
        """The numbers of an edit by the names that AUTOMATIC1111 gives them."""
        edit, facts = self.edit, dict[str, object]()
        if self.kind in MASKED:
            facts["Mask blur"] = edit.mask_feather
        if self.kind == Kind.UPSCALE:
            facts["Hires upscale"] = f"{edit.factor:g}"
        if self.variation_seed is not None:
            facts |= {"Variation seed": self.variation_seed, "Variation seed strength": f"{edit.variation_strength:g}"}
        if edit.control is not None:
            facts["ControlNet 0"] = f"Module: none, Model: {edit.control.slug}, Weight: {edit.control.strength:g}"
        return facts

    def as_a1111(self) -> str:
        """The text that AUTOMATIC1111's web UI writes into PNGs and most tools read."""
        facts: dict[str, object] = {
            "Steps": self.steps,
            "Sampler": written_as(self.scheduler),
            "CFG scale": f"{self.guidance:g}",
            "Seed": self.seed,
            "Size": "x".join(map(str, self.size)),
            "Model hash": self.checkpoint.sha256[:10],
            "Model": self.checkpoint.name,
        }
        if self.strength is not None:
            facts["Denoising strength"] = f"{self.strength:g}"
        if self.clip_skip > 1:
            facts["Clip skip"] = self.clip_skip
        facts |= self._edit_facts()
        if hashes := ", ".join(f"{each.slug}: {each.sha256[:12]}" for each in self.loras if each.sha256):
            facts["Lora hashes"] = hashes
        facts["Version"] = "Salon"
        return write_infotext(
            prompt=self.styled_prompt,
            negative_prompt=self.styled_negative_prompt,
            loras={each.slug: each.weight for each in self.loras},
            facts=facts,
        )


EDIT_FIELDS = (
    "kind", "strength", "mask_margin", "mask_feather", "borders", "upscale_factor", "control", "control_strength",
    "reference_strength",
)  # fmt: skip
"""Of a request: what means nothing without the pictures that an edit starts from."""


def kind_of(made: Generation) -> Kind:
    """Rows from before kinds were stored say it by their strength."""
    if made.kind:
        return Kind(made.kind)
    return Kind.TEXT2IMG if made.strength is None else Kind.IMG2IMG


def dataset_sql() -> str:
    """The parameters of a picture as a ``jsonb`` expression for releases, which read whole sets at a time.

    For rows of `image`, `made` (its generation), `checkpoint` and, outer joined, `style`.
    """
    pairs = ", ".join(f"'{name}', {column}" for name, column in _DATASET_COLUMNS.items())
    return f"jsonb_build_object({pairs})"
