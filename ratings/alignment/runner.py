"""One alignment from end to end: read, measure, train, measure again, save."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from generation.engines.base import Source
from generation.engines.diffusers.loading import load
from generation.models import Checkpoint
from ratings.alignment import data, registration, training
from ratings.alignment.evaluation import CHANCE, Accuracy, accuracy, improvement
from ratings.alignment.settings import Settings


@dataclass(frozen=True, slots=True)
class Result:
    """Implicit preference accuracy on the validation split before and after, and the improvement."""

    before: Accuracy
    after: Accuracy
    improvement: Accuracy

    @property
    def has_improved(self) -> bool:
        """Whether the intervals exclude chance, and no improvement."""
        return self.after.low > CHANCE and self.improvement.low > 0


def align(
    base: Checkpoint,
    release: Path,
    folder: Path,
    *,
    settings: Settings,
    most: int | None = None,
    on_step: training.OnStep,
) -> Result:
    """Aligns `base` with the pairs of the release at `release` and writes the result to `folder`.

    `most` bounds the pairs of each split. Raises AlignmentError or CheckpointError.
    """
    source = Source(base.source, base.revision)
    pipeline = load(source).text2img
    training.add_lora(pipeline, settings)
    with tempfile.TemporaryDirectory(prefix="align-") as cache:
        train, held_out = (
            data.encode_pairs(data.read_pairs(release, split, cache=Path(cache), most=most), pipeline)
            for split in ("train", "validation")
        )
    before = training.measure(held_out, pipeline, settings)
    training.train(train, pipeline, settings, on_step=on_step)
    after = training.measure(held_out, pipeline, settings)
    groups = held_out.groups
    done = Result(accuracy(before, groups), accuracy(after, groups), improvement(before, after, groups))
    registration.save(pipeline, folder)
    _write_card(base, release, folder, settings, done)
    return done


def _write_card(base: Checkpoint, release: Path, folder: Path, settings: Settings, done: Result) -> None:
    manifest = (
        json.loads((release / "manifest.json").read_text("utf-8")) if (release / "manifest.json").exists() else {}
    )
    facts = {
        "method": "Diffusion-DPO with a LoRA",
        "checkpoint": base.slug,
        "checkpoint_sha256": base.sha256,
        "release": manifest.get("release"),
        "release_name": manifest.get("name"),
        "settings": asdict(settings),
        "validation_before": asdict(done.before),
        "validation_after": asdict(done.after),
        "validation_rise": asdict(done.improvement),
    }
    (folder / "alignment.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
