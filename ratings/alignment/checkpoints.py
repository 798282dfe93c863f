"""What a run can be resumed from: the LoRA, the optimiser, the schedule, and how far it has come."""

import shutil
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

KEPT = 2
_LORA, _PREFIX = "lora.safetensors", "checkpoint-"


class Checkpoints:
    """The folders ``checkpoint-{step}`` below `folder`. One that is there is whole: it got its name last."""

    def __init__(self, folder: Path, accelerator: Accelerator) -> None:
        self.folder = folder
        self.accelerator = accelerator
        accelerator.register_save_state_pre_hook(self._save_lora)
        accelerator.register_load_state_pre_hook(self._load_lora)

    def steps(self) -> list[int]:
        """The steps after which one was written, the first one first."""
        names = (path.name.removeprefix(_PREFIX) for path in self.folder.glob(f"{_PREFIX}*"))
        return sorted(int(name) for name in names if name.isdigit())

    def save(self, step: int) -> None:
        """Writes the state after `step` and deletes all but the last few. Every process calls it."""
        partial = self.folder / f"{_PREFIX}{step}.partial"
        if self.accelerator.is_main_process and partial.exists():
            shutil.rmtree(partial)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(partial))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            partial.rename(self.folder / f"{_PREFIX}{step}")
            for old in self.steps()[:-KEPT]:
                shutil.rmtree(self.folder / f"{_PREFIX}{old}")
        self.accelerator.wait_for_everyone()

    def restore(self) -> int:
        """Loads the last one, if there is any; returns the step after which it was written, or 0."""
        step = max(self.steps(), default=0)
        if step:
            self.accelerator.load_state(str(self.folder / f"{_PREFIX}{step}"))
        return step

    def delete(self) -> None:
        for path in self.folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(path)

    def _save_lora(self, models: list[Any], weights: list[Any], folder: str) -> None:
        """In place of the whole denoiser, most of which never changes."""
        weights.clear()
        if self.accelerator.is_main_process:
            (model,) = (self.accelerator.unwrap_model(each) for each in models)
            Path(folder).mkdir(parents=True, exist_ok=True)
            save_file(get_peft_model_state_dict(model), Path(folder) / _LORA)

    def _load_lora(self, models: list[Any], folder: str) -> None:
        set_peft_model_state_dict(self.accelerator.unwrap_model(models.pop()), load_file(Path(folder) / _LORA))
