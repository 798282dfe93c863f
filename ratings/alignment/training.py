"""Trains a denoiser's LoRA, in one process or many: every process takes its part of each batch."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import InitProcessGroupKwargs, is_tensorboard_available
from diffusers.optimization import get_scheduler
from torch.utils.data import DataLoader

from ratings.alignment import denoising, sampling
from ratings.alignment.checkpoints import Checkpoints
from ratings.alignment.data import AlignmentError
from ratings.alignment.denoising import Denoiser
from ratings.alignment.evaluation import Accuracy
from ratings.alignment.measurement import Measurement
from ratings.alignment.settings import Settings
from ratings.alignment.shards import Tensors, Training

logger = logging.getLogger(__name__)

OnStep = Callable[[int, float], None]  # step number, loss
OnEvaluation = Callable[[int, Accuracy], None]  # step number, accuracy on the validation split
MIXED = {"float32": "no", "float16": "fp16", "bfloat16": "bf16"}  # names of precisions: torch's, accelerate's
LONGEST_WAIT = timedelta(hours=12)  # of processes for the one that reads a large release


@dataclass
class History:
    """The accuracy on the validation split after some steps; part of every checkpoint."""

    evaluations: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: int, found: Accuracy) -> None:
        self.evaluations.append({"step": step, **asdict(found)})

    def state_dict(self) -> dict[str, Any]:
        return {"evaluations": self.evaluations}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.evaluations = state["evaluations"]


def make_accelerator(settings: Settings, *, dtype: str, is_cpu: bool, logs: str, tracker: str) -> Accelerator:
    """The processes that were launched, with the precision of `dtype`. Raises AlignmentError."""
    if tracker == "tensorboard" and not is_tensorboard_available():
        raise AlignmentError("TensorBoard is not installed: pip install tensorboard.")
    accelerator = Accelerator(
        mixed_precision=MIXED[dtype],
        gradient_accumulation_steps=settings.accumulation,
        cpu=is_cpu,
        log_with=tracker or None,
        project_dir=logs,
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
    )
    parts = settings.accumulation * accelerator.num_processes
    if settings.batch % parts:
        raise AlignmentError(
            f"A batch of {settings.batch} cannot be divided among {accelerator.num_processes} processes with an "
            f"accumulation of {settings.accumulation}: choose a multiple of {parts}."
        )
    return accelerator


class Trainer:
    """Trains `pipeline`, whose LoRA `denoising.add_lora` made, on `examples`."""

    def __init__(self, pipeline: Any, examples: Training, settings: Settings, accelerator: Accelerator) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.examples = examples
        self.history = History()
        if settings.gradient_checkpointing:
            pipeline.unet.enable_gradient_checkpointing()
        self.weights = [weight for weight in pipeline.unet.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(self.weights, lr=settings.rate)
        batches = sampling.Batches(
            examples.buckets,
            size=settings.batch // settings.accumulation,
            count=settings.steps * settings.accumulation,
            seed=settings.seed,
        )
        schedule = get_scheduler(
            settings.schedule if not settings.warmup else _with_warmup(settings.schedule),
            optimiser,
            num_warmup_steps=settings.warmup,
            num_training_steps=settings.steps,
        )
        self.unet, self.optimiser, self.loader, self.schedule = accelerator.prepare(
            pipeline.unet, optimiser, DataLoader(examples, batch_sampler=batches), schedule
        )
        accelerator.register_for_checkpointing(self.history)
        self.denoiser = Denoiser(self.unet, accelerator.unwrap_model(self.unet), pipeline)

    def train(
        self, checkpoints: Checkpoints, measurement: Measurement, *, on_step: OnStep, on_evaluation: OnEvaluation
    ) -> None:
        """Trains from the last checkpoint on, if there is one, to the last step. Deterministic on one machine."""
        settings, accelerator = self.settings, self.accelerator
        step = checkpoints.restore()
        losses_of_step: list[torch.Tensor] = []
        self.unet.train()
        for batch in accelerator.skip_first_batches(self.loader, step * settings.accumulation):
            logger.debug("step %d takes rows %s", step + 1, batch["row"].tolist())
            losses_of_step.append(self._learn(batch))
            if not accelerator.sync_gradients:
                continue
            step += 1
            loss = float(accelerator.reduce(torch.stack(losses_of_step).mean(), reduction="mean"))
            losses_of_step.clear()
            on_step(step, loss)
            accelerator.log({"loss": loss, "rate": self.schedule.get_last_lr()[0]}, step=step)
            is_last = step == settings.steps
            if settings.evaluate_every and step % settings.evaluate_every == 0 and not is_last:
                self._evaluate(step, measurement, on_evaluation)
            if step % settings.save_every == 0 and not is_last:
                checkpoints.save(step)
        self.unet.eval()

    def _learn(self, batch: Tensors) -> torch.Tensor:
        """One part of a step's batch; the weights change after the last part. Returns the loss."""
        accelerator = self.accelerator
        with accelerator.accumulate(self.unet):
            loss = self._loss(batch)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(self.weights, 1.0)
            self.optimiser.step()
            self.schedule.step()
            self.optimiser.zero_grad()
        return loss.detach()

    def _loss(self, batch: Tensors) -> torch.Tensor:
        gained = self.denoiser.gained(batch)
        if self.settings.method == "dpo":
            return denoising.dpo_loss(gained, self.settings.beta)
        baseline = self.accelerator.reduce(gained.detach().mean(), reduction="mean").clamp(min=0)
        share = float(self.examples.shards.labels.mean())
        return denoising.kto_loss(gained, batch["labels"], baseline, beta=self.settings.beta, share=share)

    def _evaluate(self, step: int, measurement: Measurement, on_evaluation: OnEvaluation) -> None:
        self.unet.eval()
        found = measurement.accuracy()
        self.unet.train()
        self.history.add(step, found)
        self.accelerator.log({"validation_accuracy": found.share}, step=step)
        on_evaluation(step, found)


def _with_warmup(schedule: str) -> str:
    return "constant_with_warmup" if schedule == "constant" else schedule
