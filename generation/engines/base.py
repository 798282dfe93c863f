"""What every engine offers, takes and raises. No torch: engines import it themselves, when they are first used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import PIL.Image

from generation.catalogue.kinds import Edit, Kind

PreviewSource = Callable[[], list[PIL.Image.Image]]
StepCallback = Callable[[int, PreviewSource], None]


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message is one sentence for the operator."""


class NotSupported(Exception):
    """The checkpoint cannot do what a job asks for; the message is one sentence for the member."""


class OutOfMemory(Exception):
    """A batch did not fit into the memory of the device; a smaller one may."""


class DeviceLost(Exception):
    """The accelerator is in an unknown state: this process must end and another take over."""


class ServerAway(Exception):
    """An external server does not answer for now; the same job may succeed later."""


@dataclass(frozen=True)
class LoadOptions:
    """How a checkpoint is held in memory; empty leaves it to its family and the device."""

    dtype: str = ""  # float32, float16 or bfloat16
    vae_dtype: str = ""
    variant: str = ""  # such as fp16: which of the files of a folder
    vae_tiling: bool = False
    attention: str = ""  # a backend of diffusers, such as native, flash or sage
    offload: str = ""  # model or sequential: what is not at work waits in the machine's memory
    compile: bool = False  # the blocks that repeat: slow at first, faster from then on
    config: str = ""  # the folder whose configuration a single file is read with
    model: str = ""  # of an external server: its name there
    in_flight: int = 8  # of an external server: requests at once
    key_variable: str = ""  # of an external server: the environment variable that holds its key

    def said(self) -> dict[str, str | int | bool]:
        """What differs from the defaults, as it is stored."""
        usual = asdict(LoadOptions())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}


@dataclass(frozen=True)
class Source:
    """Which checkpoint: what identifies it in the cache, and where it comes from."""

    location: str
    revision: str = ""
    sha256: str = ""
    family: str = ""
    options: LoadOptions = LoadOptions()
    embeddings: tuple[tuple[str, str], ...] = ()
    """Textual inversions: the word that stands for each, and its file."""


@dataclass(frozen=True)
class Job:
    """One call of an engine: equal settings, one prompt and seed per picture.

    `sources` are RGB pictures to start from (with `strength` in (0, 1]), one per prompt, or None; `masks` (L, white is
    drawn anew) and `control_pictures` likewise, and `references` several per prompt. `width` and `height` are what the
    model draws at: what is redrawn in part, extended or enlarged comes back in the size that its source and `edit` say.
    `loras` maps the location of LoRA weights to their weight. `scheduler` is the slug of a sampler, the class name of
    a scheduler, or empty for the checkpoint's own.
    """

    source: Source
    prompts: Sequence[str]
    negative_prompts: Sequence[str]
    seeds: Sequence[int]
    width: int
    height: int
    steps: int
    guidances: Sequence[float]
    scheduler: str = ""
    sources: Sequence[PIL.Image.Image] | None = None
    strength: float | None = None
    loras: Mapping[str, float] = field(default_factory=dict)
    clip_skip: int = 1  # 1 reads the last layer of the text encoder, 2 the one before
    kind: Kind = Kind.TEXT2IMG
    edit: Edit = field(default_factory=Edit)
    masks: Sequence[PIL.Image.Image] | None = None
    variation_seeds: Sequence[int] | None = None
    control: tuple[str, str] = ("", "")  # where the ControlNet lies, and its revision on a hub
    control_pictures: Sequence[PIL.Image.Image] | None = None
    image_prompt: tuple[str, str] = ("", "")  # where the IP-Adapter and its image encoder lie
    references: Sequence[Sequence[PIL.Image.Image]] | None = None


class Engine(Protocol):
    """Draws jobs."""

    name: str

    @property
    def device(self) -> str:
        """By which measured batch sizes are kept."""
        ...

    @property
    def pads(self) -> bool:
        """Whether batches are filled up to few sizes."""
        ...

    def load(self, source: Source) -> None:
        """Makes ready, so that the first job does not wait; raises CheckpointError."""
        ...

    def draw(self, job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
        """One RGB picture per prompt.

        `on_step(k, previews)` is called after step k (from 1), or with 0 now and then by an engine that does not know
        its steps, and may raise to stop; `previews()` gives one small picture per prompt, or none. A batch may be
        padded to `pad_to` pictures.

        Raises:
            CheckpointError, NotSupported, OutOfMemory, DeviceLost, ServerAway.
        """
        ...

    def versions(self) -> dict[str, str]:
        """What draws, for the record of a picture."""
        ...
