"""Automatic scores of a benchmark's pictures: FID, and likeness to prompts, by models of the operator's."""

import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import scipy.linalg
from django.core.management import CommandError, call_command

from accounts.models import User
from generation.engines.distances import frechet_distance
from generation.media import storage
from generation.models import Checkpoint
from ratings.benchmarks.scoring import Encoder
from ratings.models import Benchmark, BenchmarkPicture, BenchmarkScore
from tests.generation.fixtures import MakeImage
from tests.ratings.benchmarks.example_benchmarks import generated


def mean_colours(path: Path) -> None:
    """An extractor for tests: a picture's features are its mean red, green and blue."""
    from onnx import TensorProto, helper, save_model

    node = helper.make_node("GlobalAveragePool", ["pictures"], ["features"])
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, 48, 48])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3, 1, 1])
    graph = helper.make_graph([node], "colours", [pictures], [features])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    save_model(model, str(path))


def test_fid_is_the_frechet_distance_of_the_operators_features_by_category(
    decided: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extractor, reference = tmp_path / "colours.onnx", tmp_path / "reference"
    mean_colours(extractor)
    (reference / "food").mkdir(parents=True)
    made = BenchmarkPicture.objects.filter(entry__checkpoint__slug="best", prompt__category="food")
    for number, picture in enumerate(made.select_related("image")):
        assert picture.image
        with PIL.Image.open(io.BytesIO(storage.read(f"{picture.image.prefix}/original.png"))) as drawing:
            drawing.save(reference / "food" / f"{number}.png")
    call_command("score_benchmark", "trial", "--features", str(extractor), "--reference", str(reference))
    scores = {
        (row.entry.checkpoint.slug, row.category): row.value
        for row in BenchmarkScore.objects.select_related("entry__checkpoint")
    }
    assert set(scores) == {(model, category) for model in ("best", "mean", "poor") for category in ("food", "")}
    assert scores["best", "food"] == pytest.approx(0, abs=1e-4)  # the same pictures
    assert scores["poor", "food"] > 1e-4
    with pytest.raises(CommandError, match="no pictures"):
        call_command("score_benchmark", "trial", "--features", str(extractor), "--reference", str(tmp_path))


def test_the_frechet_distance_is_that_of_two_gaussians() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(0, 1, (400, 4)), rng.normal(0.5, 2, (300, 4))
    cov_one, cov_other = np.cov(one.T), np.cov(other.T)
    root = scipy.linalg.sqrtm(cov_one @ cov_other).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(cov_one + cov_other - 2 * root)
    assert frechet_distance(one.astype(np.float32), other.astype(np.float32)) == pytest.approx(expected, rel=1e-4)


def tiny_clip(folder: Path) -> None:
    """A CLIP of random weights that reads letters."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    torch.manual_seed(0)
    folder.mkdir()
    letters = [chr(code) for code in range(97, 123)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    merges.write_text("#version: 0.2\n")
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    text = {**size, **ends, "vocab_size": len(words), "max_position_embeddings": 16}
    vision = {**size, "image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    words_of = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=16)
    CLIPProcessor(pictures, words_of).save_pretrained(folder)


def test_likeness_to_prompts_is_the_mean_cosine_of_the_operators_encoder(
    three: list[Checkpoint], alice: User, make_image: MakeImage, tmp_path: Path
) -> None:
    generated(three, alice, make_image)
    tiny_clip(tmp_path / "clip")
    call_command("score_benchmark", "trial", "--encoder", str(tmp_path / "clip"))
    scores = BenchmarkScore.objects.filter(metric="similarity", entry__checkpoint__slug="best")
    by_category = {row.category: row.value for row in scores}
    assert set(by_category) == {"animals", "food", ""}
    assert by_category[""] == pytest.approx((by_category["animals"] + by_category["food"]) / 2)
    assert all(-1 <= value <= 1 for value in by_category.values())
    encoder, pictures = Encoder(tmp_path / "clip"), [PIL.Image.new("RGB", (48, 48), name) for name in ("red", "blue")]
    assert encoder(["a fox", "x" * 500], pictures)[0] == pytest.approx(encoder(["a fox"], pictures[:1])[0], abs=1e-5)
    with pytest.raises(CommandError, match="Give --features"):
        call_command("score_benchmark", "trial", "--features", "x.onnx")
