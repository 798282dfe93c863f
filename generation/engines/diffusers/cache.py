"""The pipelines that one process keeps in memory."""

import gc
from collections import OrderedDict
from functools import cache

import psutil
import torch

from generation.engines.base import Source
from generation.engines.diffusers.loading import Loaded, device, estimated_size, load


class PipelineCache:
    """Evicts the least recently used pipelines before the next one, when it would not fit in `budget` bytes."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._kept: OrderedDict[Source, Loaded] = OrderedDict()

    def get(self, source: Source) -> Loaded:
        """The pipeline of a checkpoint, loaded if need be; raises CheckpointError as `load` does."""
        if source not in self._kept:
            self._evict_for(estimated_size(source))
            loaded = load(source)
            self._evict_for(loaded.size)  # a hub's download has no size before
            self._kept[source] = loaded
        self._kept.move_to_end(source)
        return self._kept[source]

    def sources(self) -> list[Source]:
        """What is in memory, the most recently used last."""
        return list(self._kept)

    def clear(self) -> None:
        """Lets go of everything."""
        self._evict_for(self.budget + 1)

    def _evict_for(self, needed: int) -> None:
        has_evicted = False
        while self._kept and sum(each.size for each in self._kept.values()) + needed > self.budget:
            self._kept.popitem(last=False)
            has_evicted = True
        if has_evicted:
            gc.collect()  # the parts of a pipeline point at each other
            if device() == "cuda":
                torch.cuda.empty_cache()


@cache
def pipeline_cache() -> PipelineCache:
    """The cache of this process: 80 % of the accelerator's memory, half of the machine's on a CPU."""
    if device() == "cuda":
        return PipelineCache(int(torch.cuda.get_device_properties(0).total_memory * 0.8))
    return PipelineCache(psutil.virtual_memory().total // 2)
