"""One alignment from end to end: read, measure, train, measure again, write."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from generation import pipelines
from generation.models import Checkpoint
from ratings.alignment import data, saving, training
from ratings.alignment.measuring import Accuracy, accuracy


@dataclass(frozen=True, slots=True)
class Aligned:
    """Implicit preference accuracy on the validation split, before and after."""

    before: Accuracy
    after: Accuracy


def align(
    base: Checkpoint,
    release: Path,
    folder: Path,
    *,
    settings: training.Settings,
    most: int | None = None,
    told: training.Told,
) -> Aligned:
    """Aligns `base` with the pairs of the release at `release` and writes the result to `folder`.

    `most` bounds the pairs of each split. Raises AlignmentError or CheckpointError.
    """
    source = pipelines.Source(base.source, base.revision)
    pipeline = pipelines.load(source).text2img
    training.add_lora(pipeline, settings)
    with tempfile.TemporaryDirectory(prefix="align-") as cache:
        train, held_out = (
            data.encode_pairs(data.read_pairs(release, split, cache=Path(cache), most=most), pipeline)
            for split in ("train", "validation")
        )
    before = accuracy(training.measure(held_out, pipeline, settings), held_out.groups)
    training.train(train, pipeline, settings, told=told)
    after = accuracy(training.measure(held_out, pipeline, settings), held_out.groups)
    saving.save(pipeline, folder)
    _write_card(base, release, folder, settings, Aligned(before, after))
    return Aligned(before, after)


def _write_card(base: Checkpoint, release: Path, folder: Path, settings: training.Settings, done: Aligned) -> None:
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
    }
    (folder / "alignment.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
