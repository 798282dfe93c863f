"""The diffusers engine: what is kept in memory, and what a checkpoint may not be."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from generation.engines.base import CheckpointError, Source
from generation.engines.diffusers import cache, files, loading
from generation.engines.diffusers.samplers import set_loras, set_sampler

MakeLoaded = Callable[[Any, int], loading.Loaded]


def held(pipeline: Any, size: int = 0) -> loading.Loaded:
    return loading.Loaded(pipeline, SimpleNamespace(), size)  # type: ignore[arg-type]


def test_the_pipeline_used_least_recently_leaves_the_cache_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "load", lambda source: held(source, 4))
    kept, sources = cache.PipelineCache(budget=10), [Source(name) for name in "abc"]
    kept.get(sources[0])
    kept.get(sources[1])
    kept.get(sources[0])
    kept.get(sources[2])
    assert kept.sources() == [sources[0], sources[2]]


def test_a_pipeline_larger_than_the_budget_is_loaded_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "load", lambda source: held(source, 40))
    kept = cache.PipelineCache(budget=10)
    kept.get(Source("a"))
    kept.get(Source("b"))
    assert kept.sources() == [Source("b")]


def test_memory_is_freed_before_the_next_checkpoint_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = cache.PipelineCache(budget=10)
    in_memory: list[list[Source]] = []

    def load(source: Source) -> loading.Loaded:
        in_memory.append(kept.sources())
        return held(source, 8)

    monkeypatch.setattr(cache, "load", load)
    monkeypatch.setattr(cache, "estimated_size", lambda _source: 8)
    kept.get(Source("a"))
    kept.get(Source("b"))
    assert in_memory == [[], []]


@pytest.mark.parametrize("name", ["NoSuchScheduler", "StableDiffusionPipeline"])
def test_a_name_that_is_no_sampler_is_one_sentence(name: str) -> None:
    with pytest.raises(CheckpointError, match="no sampler"):
        set_sampler(held(None), SimpleNamespace(scheduler=None), name)


def test_loras_on_a_pipeline_that_takes_none_are_one_sentence() -> None:
    set_loras(held(object()), {})
    with pytest.raises(CheckpointError, match="takes no LoRAs"):
        set_loras(held(object()), {"ink": 1.0})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source("nowhere at all"), "no hub id"),
        (Source("owner/name"), "needs --revision"),
        (Source("owner/name", "main"), "needs --revision"),
    ],
)
def test_a_source_that_names_no_fixed_checkpoint_is_refused_without_a_download(source: Source, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        files.fetch(source)


def test_a_file_that_can_run_code_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"a pickle")
    with pytest.raises(CheckpointError, match=r"no \.safetensors"):
        files.fetch(Source(str(tmp_path / "model.ckpt")))


def test_a_checkpoint_with_code_of_its_own_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(
        '{"_class_name": "StableDiffusionPipeline", "unet": ["their_code", "UNet"]}'
    )
    with pytest.raises(CheckpointError, match="code of its own"):
        loading.load(Source(str(tmp_path)))
