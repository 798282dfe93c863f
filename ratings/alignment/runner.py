"""One alignment from end to end: read, encode, measure, train, measure again, save. Every process runs it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from generation.engines.base import LoadOptions, Source
from generation.engines.diffusers.loading import device, dtype_of, load
from generation.models import Checkpoint
from ratings.alignment import data, denoising, encoding, registration, training
from ratings.alignment.checkpoints import Checkpoints
from ratings.alignment.data import AlignmentError
from ratings.alignment.evaluation import CHANCE, Accuracy, accuracy, improvement
from ratings.alignment.measurement import Measurement
from ratings.alignment.settings import PRECISIONS, Settings
from ratings.alignment.shards import Shards, Training

METHODS = {"dpo": "Diffusion-DPO with a LoRA", "kto": "Diffusion-KTO with a LoRA"}
_RUN = "run.json"


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


@dataclass(frozen=True, slots=True)
class Run:
    """What is aligned, from what, and where to.

    `folder` is for the result; `work` holds encoded examples, checkpoints and logs while the run lasts. `most` bounds
    the pairs of each split. `tracker` is empty or ``tensorboard``.
    """

    base: Checkpoint
    release: Path
    folder: Path
    work: Path
    settings: Settings
    most: int | None = None
    is_resumed: bool = False
    keeps_encoded: bool = False
    tracker: str = ""

    @property
    def source(self) -> Source:
        """The checkpoint, wholly on the device."""
        chosen = {name: value for name, value in self.base.options.items() if name in ("dtype", "variant", "config")}
        if self.settings.precision:
            chosen["dtype"] = PRECISIONS[self.settings.precision]
        return Source(self.base.source, self.base.revision, family=self.base.facts.slug, options=LoadOptions(**chosen))

    def encoded_from(self) -> dict[str, Any]:
        """On what the encoded examples depend."""
        manifest = self.release / "manifest.json"
        return {
            "release": str(self.release.resolve()),
            "manifest": hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.exists() else "",
            "checkpoint": [self.base.source, self.base.revision, self.base.sha256],
            "dtype": str(dtype_of(self.source)),
            "resolution": self.settings.resolution,
            "most": self.most,
        }


def align(run: Run, *, on_step: training.OnStep, on_evaluation: training.OnEvaluation) -> Result | None:
    """Aligns and writes the result to `run.folder`, which the main process does; None in the others.

    Raises AlignmentError or CheckpointError.
    """
    settings = run.settings
    accelerator = training.make_accelerator(
        settings,
        dtype=str(dtype_of(run.source)).removeprefix("torch."),
        is_cpu=device() == "cpu",
        logs=str(run.work / "logs"),
        tracker=run.tracker,
    )
    checkpoints = Checkpoints(run.work, accelerator)
    _open_work(run, checkpoints, accelerator)
    pipeline = load(run.source).text2img
    pipeline.to(accelerator.device)
    denoising.add_lora(pipeline, settings)
    examples, held_out = (_encoded(run, pipeline, accelerator, split) for split in ("train", "validation"))
    _leave_device(pipeline)
    trained_on = Training(examples, settings.seed, settings.batch, is_singly=settings.method == "kto")
    trainer = training.Trainer(pipeline, trained_on, settings, accelerator)
    plain = trainer.denoiser.without_wrapper()
    measurement = Measurement(held_out, plain, accelerator, draws=settings.draws, batch=settings.batch)
    if run.tracker:
        accelerator.init_trackers("align", config={name: str(value) for name, value in asdict(settings).items()})
    before = measurement.margins()
    trainer.train(checkpoints, measurement, on_step=on_step, on_evaluation=on_evaluation)
    after, groups = measurement.margins(), measurement.groups
    done = Result(accuracy(before, groups), accuracy(after, groups), improvement(before, after, groups))
    accelerator.log({"validation_accuracy": done.after.share}, step=settings.steps)
    accelerator.unwrap_model(trainer.unet, keep_fp32_wrapper=False)
    is_main, processes = accelerator.is_main_process, accelerator.num_processes
    accelerator.end_training()
    if not is_main:
        return None
    registration.save(pipeline, run.folder)
    _write_card(run, done, processes=processes, evaluations=trainer.history.evaluations)
    _close_work(run, checkpoints)
    return done


def _encoded(run: Run, pipeline: Any, accelerator: Accelerator, split: str) -> Shards:
    """The examples of one split, encoded; the validation split is always of pairs."""
    kind = data.kind_for(run.settings.method, run.release) if split == "train" else data.PAIRS
    with accelerator.main_process_first():
        rows = data.read_rows(run.release, split, kind=kind, cache=run.work / "cache", most=run.most)
    examples = data.arrange(rows, kind, encoding.grid_of(pipeline, run.settings.resolution))
    if not len(examples):
        raise AlignmentError(f"The split {split} of {run.release} is empty.")
    folder = run.work / "encoded" / f"{kind}-{split}"
    _in_main(accelerator, lambda: encoding.prepare_folder(folder, run.encoded_from()))
    return encoding.encode(examples, pipeline, folder, accelerator)


def _leave_device(pipeline: Any) -> None:
    """All but the denoiser: nothing else is needed any more."""
    for name, part in pipeline.components.items():
        if name != "unet" and hasattr(part, "parameters"):
            part.to("cpu")


def _in_main(accelerator: Accelerator, work: Callable[[], None]) -> None:
    """Does it in one process while the others wait."""
    if accelerator.is_main_process:
        work()
    accelerator.wait_for_everyone()


def _open_work(run: Run, checkpoints: Checkpoints, accelerator: Accelerator) -> None:
    """Makes the folder of the run, or refuses to begin or to resume there."""
    path = run.work / _RUN
    facts = {**run.encoded_from(), **run.settings.influence()}
    text = json.dumps(facts, indent=2, sort_keys=True)
    if run.work.is_dir() and any(run.work.iterdir()) and not path.exists():
        raise AlignmentError(f"{run.work} holds something else than an alignment. Choose another folder for --work.")
    if checkpoints.steps() and not run.is_resumed:
        raise AlignmentError(f"{run.work} has checkpoints of a run that was interrupted: add --resume, or delete it.")
    if checkpoints.steps() and path.read_text("utf-8") != text:
        earlier = json.loads(path.read_text("utf-8"))
        names = ", ".join(sorted(name for name in facts if facts[name] != earlier.get(name)))
        raise AlignmentError(f"{run.work} was begun with another {names}: run as then, or delete it.")
    accelerator.wait_for_everyone()

    def begin() -> None:
        run.work.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    _in_main(accelerator, begin)


def _close_work(run: Run, checkpoints: Checkpoints) -> None:
    """Deletes what only an interrupted run would need; encoded examples stay where they were asked for, and logs."""
    checkpoints.delete()
    shutil.rmtree(run.work / "cache", ignore_errors=True)
    if not run.keeps_encoded:
        shutil.rmtree(run.work / "encoded", ignore_errors=True)
    if [path.name for path in run.work.iterdir()] == [_RUN]:
        shutil.rmtree(run.work)


def _write_card(run: Run, done: Result, *, processes: int, evaluations: list[dict[str, float]]) -> None:
    path = run.release / "manifest.json"
    manifest = json.loads(path.read_text("utf-8")) if path.exists() else {}
    facts = {
        "method": METHODS[run.settings.method],
        "checkpoint": run.base.slug,
        "checkpoint_sha256": run.base.sha256,
        "release": manifest.get("release"),
        "release_name": manifest.get("name"),
        "settings": asdict(run.settings),
        "precision": str(dtype_of(run.source)).removeprefix("torch."),
        "processes": processes,
        "validation_before": asdict(done.before),
        "validation_during": evaluations,
        "validation_after": asdict(done.after),
        "validation_rise": asdict(done.improvement),
    }
    (run.folder / "alignment.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
