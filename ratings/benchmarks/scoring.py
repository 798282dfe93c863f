"""Computed scores of a benchmark's pictures by models that the operator provides: FID, similarity to prompts."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from generation.media import storage
from lib.errors import Refused
from lib.images import open_stored
from ratings.benchmarks.models import Benchmark, BenchmarkPicture, BenchmarkScore

Features = NDArray[np.float32]
BATCH = 16
FORMATS = {".jpg", ".jpeg", ".png", ".webp"}
ALL = ""  # the category that stands for every picture
LEAST = 2  # pictures on each side: a covariance of one is none


class Extractor:
    """An ONNX model from pictures, float32 (n, 3, height, width) RGB 0…1, to features (n, d).

    Whatever normalisation it wants belongs into the model. Its input's height and width say the size, 299 where it
    leaves them open.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  # the runtime raises classes of its own for what is wrong with a file
            raise Refused("bad_extractor", f"{path}: {error}") from None
        first = self._session.get_inputs()[0]
        self._input, shape = first.name, first.shape
        height, width = shape[-2:] if len(shape) == 4 else (None, None)
        self.size = (width if isinstance(width, int) else 299, height if isinstance(height, int) else 299)
        self.name = f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"

    def __call__(self, pictures: Iterable[PIL.Image.Image]) -> Features:
        found: list[Any] = []
        iterator = iter(pictures)
        while batch := list(islice(iterator, BATCH)):
            arrays = [np.asarray(self._sized(picture), dtype=np.float32).transpose(2, 0, 1) / 255 for picture in batch]
            output = np.asarray(self._session.run(None, {self._input: np.stack(arrays)})[0], dtype=np.float32)
            found.append(output.reshape(len(batch), -1))
        return np.concatenate(found) if found else np.zeros((0, 1), dtype=np.float32)

    def _sized(self, picture: PIL.Image.Image) -> PIL.Image.Image:
        return picture.convert("RGB").resize(self.size, PIL.Image.Resampling.BICUBIC)


def score_fid(
    *, benchmark: Benchmark, extractor: Extractor, reference: Path, at: datetime, log: Callable[[str], None]
) -> int:
    """Scores every entry against pictures in `reference`/<category>/, as MJHQ-30K has them; returns how many scores.

    Categories that lack pictures on either side are left out. Raises Refused where no category has any.
    """
    from generation.engines.distances import frechet_distance

    real = {folder.name: extractor(_pictures_in(folder)) for folder in sorted(reference.iterdir()) if folder.is_dir()}
    real = {name: features for name, features in real.items() if len(features) >= LEAST}
    if not real:
        raise Refused("no_reference", _("There are no pictures in %(folder)s/<category>/.") % {"folder": reference})
    real[ALL] = np.concatenate([real[name] for name in sorted(real)])
    scores = 0
    for entry in benchmark.entries.select_related("checkpoint").order_by("checkpoint__slug"):
        for category, made in _made(entry.pk, set(real), extractor):
            if len(made) < LEAST:
                continue
            value = frechet_distance(real[category], made)
            log(f"{entry.checkpoint.slug} {category or 'all'}: {value:.3f} ({len(made)} pictures)")
            BenchmarkScore.objects.update_or_create(
                entry=entry,
                metric=BenchmarkScore.Metric.FID,
                category=category,
                defaults={"value": value, "pictures": len(made), "extractor": extractor.name, "computed_at": at},
            )
            scores += 1
    return scores


def _pictures_in(folder: Path) -> Iterator[PIL.Image.Image]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in FORMATS:
            yield open_stored(path.read_bytes())


def _made(entry: int, categories: set[str], extractor: Extractor) -> list[tuple[str, Features]]:
    """Features of an entry's pictures by category, and of all of them in the categories that have a reference."""
    rows = BenchmarkPicture.objects.filter(entry=entry, prompt__category__in=categories, image__isnull=False)
    by_category: dict[str, list[str]] = defaultdict(list)
    for category, prefix in rows.exclude(image__prefix="").values_list("prompt__category", "image__prefix"):
        by_category[category].append(prefix)
    found = {name: extractor(_originals(prefixes)) for name, prefixes in sorted(by_category.items()) if name}
    return [*found.items(), *([(ALL, np.concatenate(list(found.values())))] if found else [])]


def _originals(prefixes: Sequence[str]) -> Iterator[PIL.Image.Image]:
    for prefix in prefixes:
        yield open_stored(storage.read(f"{prefix}/original.png"))


class Encoder:
    """A model of pictures and texts in one space (CLIP, SigLIP …) from a local folder, as transformers saves it."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoProcessor

        try:
            self._model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
            self._processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError) as error:
            raise Refused("bad_encoder", f"{folder}: {error}") from None
        self.name = folder.name

    def __call__(self, prompts: Sequence[str], pictures: Sequence[PIL.Image.Image]) -> list[float]:
        """The cosine between each picture and its prompt, which is cut where the encoder stops reading."""
        images = [picture.convert("RGB") for picture in pictures]
        inputs = self._processor(
            text=list(prompts), images=images, return_tensors="pt", padding="max_length", truncation=True
        )
        output = self._model(**inputs)
        image, text = (_unit(part.detach().numpy()) for part in (output.image_embeds, output.text_embeds))
        return [float(cosine) for cosine in (image * text).sum(1)]


def _unit(vectors: Features) -> Features:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def score_similarity(*, benchmark: Benchmark, encoder: Encoder, at: datetime, log: Callable[[str], None]) -> int:
    """The mean likeness of every entry's pictures to their prompts, by category and over all; returns how many."""
    scores = 0
    for entry in benchmark.entries.select_related("checkpoint").order_by("checkpoint__slug"):
        rows = BenchmarkPicture.objects.filter(entry=entry, image__isnull=False).exclude(image__prefix="")
        likeness: dict[str, list[float]] = defaultdict(list)
        values = iter(rows.order_by("pk").values_list("prompt__category", "prompt__text", "image__prefix"))
        while batch := list(islice(values, BATCH)):
            pictures = list(_originals([prefix for _category, _text, prefix in batch]))
            cosines = encoder([text for _category, text, _prefix in batch], pictures)
            for (category, _text, _prefix), cosine in zip(batch, cosines, strict=True):
                for name in {category, ALL}:
                    likeness[name].append(cosine)
        for category, found in sorted(likeness.items()):
            value = float(np.mean(found))
            log(f"{entry.checkpoint.slug} {category or 'all'}: {value:.4f} ({len(found)} pictures)")
            BenchmarkScore.objects.update_or_create(
                entry=entry,
                metric=BenchmarkScore.Metric.SIMILARITY,
                category=category,
                defaults={"value": value, "pictures": len(found), "extractor": encoder.name, "computed_at": at},
            )
            scores += 1
    return scores
