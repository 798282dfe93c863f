"""Asking for edits: what each kind needs, what a checkpoint cannot do, who may use which picture, and what it costs."""

from typing import Any

import PIL.Image
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import User
from generation import services
from generation.catalogue.kinds import Kind, tiles
from generation.infotext.reading import read_recipe
from generation.media import storage
from generation.models import Checkpoint, ControlNet, Generation, Image, ImageState, InputPicture, Upload
from generation.parameters import Parameters
from generation.recall.services import match_recipe
from generation.requests.pictures import pictures_of
from generation.workspace.remixes import remix_of
from lib.errors import NotFound, Refused
from moderation.models import Rule
from tests.conftest import ApiAs
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.generation.requests import png_bytes, submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("toy")]
SIZE = (48, 48)


def mask_of(size: tuple[int, int] = SIZE, *, painted: bool = True) -> ContentFile[bytes]:
    """Black with a white square in the middle."""
    picture = PIL.Image.new("L", size)
    if painted:
        picture.paste(255, (size[0] // 3, size[1] // 3, 2 * size[0] // 3, 2 * size[1] // 3))
    stream = ContentFile(b"", "mask.png")
    picture.save(stream, "PNG")
    stream.seek(0)
    return ContentFile(stream.read(), "mask.png")


def source_of(size: tuple[int, int] = SIZE) -> ContentFile[bytes]:
    return ContentFile(png_bytes(size), "source.png")


@pytest.fixture
def edges(toy: Checkpoint) -> ControlNet:
    Checkpoint.objects.update(family="sd1")
    return ControlNet.objects.create(slug="edges", name="Edges", checkpoint=toy, source="edges", licence="MIT")


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"kind": "paint"}, "kind", "no kind paint"),
        ({"kind": "img2img"}, "source_file", "Choose a picture to start from"),
        ({"kind": "upscale"}, "source_file", "Choose a picture to start from"),
        ({"kind": "text2img", "source_file": source_of()}, "source_file", "starts from words"),
        ({"kind": "inpaint", "source_file": source_of()}, "mask_file", "Paint over the part"),
        ({"source_file": source_of(), "mask": mask_of(painted=False)}, "mask_file", "Paint over the part"),
        ({"source_file": source_of(), "mask": mask_of((96, 48))}, "mask_file", "shape of the picture"),
        ({"source_file": source_of(), "mask": mask_of(), "mask_margin": 999}, "mask_margin", "from 0 to 128 pixels"),
        ({"source_file": source_of(), "mask": mask_of(), "mask_feather": "x"}, "mask_feather", "from 0 to 64 pixels"),
        ({"kind": "outpaint", "source_file": source_of()}, "borders", "at least one side"),
        ({"kind": "outpaint", "source_file": source_of(), "borders": {"top": -8}}, "borders", "at least one side"),
        ({"kind": "outpaint", "source_file": source_of(), "borders": {"top": 4096}}, "borders", "4096 pixels a side"),
        ({"kind": "upscale", "source_file": source_of(), "upscale_factor": 9}, "upscale_factor", "from 1.1 to 4"),
        ({"kind": "upscale", "source_file": source_of((1400, 20)), "upscale_factor": 4}, "upscale_factor", "2.9 times"),
        ({"kind": "variation"}, "seed", "needs the seed"),
        ({"kind": "variation", "seed": 4, "variation_strength": 1.5}, "variation_strength", "from 0 \\(the same"),
        ({"kind": "control"}, "control_file", "picture to follow"),
        ({"kind": "control", "control_picture": source_of()}, "control", "can follow: edges"),
        ({"control": "edges", "control_picture": source_of(), "control_strength": 3}, "control_strength", "0 to 2"),
        ({"kind": "img2img", "source_file": source_of(), "control_picture": source_of()}, "control_file", "follows no"),
        ({"kind": "final", "source_file": source_of()}, "source_file", "Only a draft"),
    ],
)
def test_what_a_kind_lacks_is_said_beside_its_field_and_nothing_is_kept(
    alice: User, edges: ControlNet, wanted: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        submit(alice, steps=20, **wanted)
    assert field in refused.value.fields
    assert not Generation.objects.exists()
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("family", "kind", "words"),
    [
        ("sana", "inpaint", "cannot start from a picture"),
        ("pixart", "upscale", "cannot start from a picture"),
        ("external", "variation", "cannot draw variations"),
        ("external", "outpaint", "cannot start from a picture"),
        ("sana", "control", "cannot follow a picture"),
        ("sdxl", "control", "No ControlNet is registered"),
    ],
)
def test_what_a_family_cannot_do_is_refused_at_the_edge(alice: User, family: str, kind: str, words: str) -> None:
    checkpoint_row(family, family, family=family, schedulers=[])
    pictures: dict[str, Any] = {"source_file": source_of(), "mask": mask_of()} if kind == "inpaint" else {}
    if kind == "control":
        pictures = {"control_picture": source_of()}
    with pytest.raises(Refused, match=words):
        submit(alice, checkpoint=family, kind=kind, seed=1, **pictures)


def test_a_redrawn_picture_keeps_the_size_of_its_source_and_its_numbers(alice: User) -> None:
    made = submit(alice, source_file=source_of((60, 100)), mask=mask_of((60, 100)), mask_margin=3, count=1)
    image = made.images.get()
    parameters = Parameters.of(image)
    assert (parameters.kind, parameters.strength, made.edit) == (
        Kind.INPAINT, 0.75, {"mask_margin": 3, "mask_feather": 8},
    )  # fmt: skip
    assert (image.width, image.height) == parameters.size == (60, 100)
    assert (made.width, made.height) == (32, 64)  # the checkpoint's size whose shape is nearest
    mask = made.inputs.get()
    assert (mask.role, mask.image, mask.upload and mask.upload.author) == ("mask", None, alice)
    assert pictures_of(made)["mask"] == mask.upload


def test_borders_and_factors_decide_the_size_of_the_picture(alice: User) -> None:
    wider = submit(alice, kind="outpaint", source_file=source_of(), borders={"left": 16, "bottom": "8"}, count=1)
    assert [(each.width, each.height) for each in wider.images.all()] == [(64, 56)]
    larger = submit(
        alice, idempotency_key="up", kind="upscale", source_file=source_of((64, 32)), upscale_factor="1.5", count=1,
        steps=10, guidance=1, width=32, height=32,
    )  # fmt: skip
    image = larger.images.get()
    assert (image.width, image.height) == (96, 48)
    assert image.cost_units == len(list(tiles(96, 48, (32, 32)))) * 32 * 32 * 3  # steps that a strength of 0.3 draws


@pytest.mark.parametrize("role", ["source_upload", "mask", "control_picture", "references"])
def test_nobody_uses_an_upload_of_somebody_else(alice: User, bob: User, edges: ControlNet, role: str) -> None:
    own = services.upload_picture(author=alice, file=source_of())
    values: dict[str, Any] = {role: [own] if role == "references" else own}
    if role == "mask":
        values["source_file"] = source_of()
    with pytest.raises(NotFound):
        submit(bob, control="edges", **values)


@pytest.mark.parametrize("role", ["source_image", "mask", "control_picture", "references"])
def test_nobody_uses_a_picture_that_they_cannot_see(
    alice: User, bob: User, edges: ControlNet, make_image: MakeImage, role: str
) -> None:
    private = make_image(alice)
    values: dict[str, Any] = {role: [private] if role == "references" else private}
    if role == "mask":
        values["source_file"] = source_of()
    with pytest.raises(NotFound):
        submit(bob, control="edges", **values)


def test_a_file_that_is_refused_takes_the_others_along(alice: User) -> None:
    with pytest.raises(Refused) as refused:
        submit(alice, source_file=source_of(), mask=ContentFile(b"no picture", "mask.png"))
    assert "mask_file" in refused.value.fields
    assert not Upload.objects.exists()
    assert not default_storage.exists("uploads") or default_storage.listdir("uploads")[1] == []


def test_variations_share_a_seed_and_differ_by_another(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, seed=77, width=32, height=32)
    made = services.vary_image(image=image, author=alice, idempotency_key="vary", strength=0.3, count=3)
    rows = list(made.images.order_by("position"))
    assert {each.seed for each in rows} == {77}
    assert len({each.variation_seed for each in rows}) == 3
    assert (made.kind, made.edit, made.parent) == ("variation", {"variation_strength": 0.3}, image)
    again = Parameters.of(rows[1]).as_request()
    assert (again["seed"], again["variation_seed"]) == (77, rows[1].variation_seed)
    rerolled = services.clone_generation(generation=made, author=alice, idempotency_key="again")
    assert {each.seed for each in rerolled.images.all()} == {77}
    assert {each.variation_seed for each in rerolled.images.all()}.isdisjoint({each.variation_seed for each in rows})


def test_a_picture_whose_prompt_is_hidden_is_varied_by_its_author_alone(
    alice: User, bob: User, make_image: MakeImage
) -> None:
    image = make_image(alice, width=32, height=32, is_prompt_hidden=True)
    with pytest.raises(Refused, match="hides the prompt"):
        services.vary_image(image=image, author=bob, idempotency_key="vary")
    assert services.vary_image(image=image, author=alice, idempotency_key="vary").images.count() == 4


def test_a_newer_draft_takes_the_place_of_one_that_waits(alice: User) -> None:
    first = submit(alice, idempotency_key="a", prompt="a c", is_draft=True, count=8)
    second = submit(alice, idempotency_key="b", prompt="a cat", is_draft=True)
    assert [each.state for each in first.images.all()] == [ImageState.CANCELLED]
    assert [each.state for each in second.images.all()] == [ImageState.QUEUED]
    assert second.steps == 3  # the checkpoint's own, which are few


def test_a_draft_is_finished_with_its_seed_by_its_author_alone(alice: User, bob: User, make_image: MakeImage) -> None:
    image = make_image(alice, seed=5, width=32, height=32)
    with pytest.raises(Refused, match="Only a draft"):
        services.finish_draft(image=image, author=alice, idempotency_key="f")
    Generation.objects.filter(pk=image.generation_id).update(is_draft=True)
    image = Image.objects.get(pk=image.pk)
    with pytest.raises(NotFound):
        services.finish_draft(image=image, author=bob, idempotency_key="f")
    made = services.finish_draft(image=image, author=alice, idempotency_key="f", steps=20)
    assert (made.kind, made.source_image, made.steps, made.is_draft) == ("final", image, 20, False)
    assert [each.seed for each in made.images.all()] == [5]


def test_a_mood_board_without_an_adapter_adds_the_words_that_its_prompts_share(
    alice: User, make_image: MakeImage
) -> None:
    prompts = ("a harbour at night, neon", "neon harbour", "a cat in a harbour")
    board = [make_image(alice, prompt=prompt, width=32, height=32) for prompt in prompts]
    made = submit(alice, references=board)
    assert made.edit["references"] == {
        "method": "words", "count": 3, "strength": 0.6, "words": ["harbour", "neon"], "adapter": "", "sha256": "",
    }  # fmt: skip
    assert Parameters.of(made.images.all()[0]).styled_prompt == "a cat, harbour, neon"
    assert [each.image for each in made.inputs.order_by("position")] == board


def test_words_of_a_mood_board_are_neither_taken_from_hidden_prompts_nor_past_the_rules(
    alice: User, bob: User, make_image: MakeImage
) -> None:
    hidden = make_image(bob, prompt="secret words", is_prompt_hidden=True)
    Image.objects.filter(pk=hidden.pk).update(is_public=True)
    with pytest.raises(Refused, match="share no words"):
        submit(alice, references=[hidden])
    Rule.objects.create(
        slug="faces", pattern="grotesque", effect=Rule.Effect.BLOCK, reason="No.", created_at=timezone.now()
    )
    shown = make_image(alice, prompt="grotesque faces")
    with pytest.raises(Refused) as refused:
        submit(alice, references=[shown])
    assert refused.value.code == "refused"


def test_the_api_takes_uploads_masks_and_references_by_their_ids(
    api_as: ApiAs, alice: User, bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    api = api_as(alice)
    mask = mask_of()
    source = api.post("/api/uploads/", {"file": source_of()}, format="multipart").json()
    painted = api.post("/api/uploads/", {"file": mask}, format="multipart").json()
    assert (source["width"], source["height"]) == SIZE
    wanted = {"prompt": "a smile", "checkpoint": "toy", "source_upload": source["id"], "mask_upload": painted["id"]}
    answer = api.post("/api/generations/", wanted | {"mask_margin": 2, "count": 1}, format="json")
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["kind"], made["edit"]) == ("inpaint", {"mask_margin": 2, "mask_feather": 8})
    assert made["inputs"] == [{"role": "mask", "position": 0, "image": None, "upload": painted["id"]}]
    assert api_as(bob).post("/api/generations/", wanted, format="json").status_code == 404
    price = api.post("/api/generations/cost/", wanted | {"count": 2}, format="json").json()
    assert price["cost_units"] == 2 * made["images"][0]["cost_units"]
    assert api_as(bob).delete(f"/api/uploads/{source['id']}/").status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"/api/uploads/{source['id']}/").status_code == 204
    assert not default_storage.exists(f"uploads/{source['id']}.png")
    assert [each["id"] for each in api.get("/api/uploads/").json()["results"]] == [painted["id"]]


def test_the_api_says_what_a_checkpoint_can_be_asked_for(api_as: ApiAs, alice: User, edges: ControlNet) -> None:
    checkpoint_row("server", "http://127.0.0.1", engine="openai_images", family="external")
    found = {each["slug"]: each for each in api_as(alice).get("/api/checkpoints/").json()["results"]}
    assert found["server"]["kinds"] == ["text2img"]
    assert found["toy"]["kinds"] == [str(kind) for kind in Kind]
    assert (found["toy"]["controls"], found["toy"]["reference_method"]) == (["edges"], "words")


def test_asking_twice_with_the_same_mask_makes_one_generation(alice: User) -> None:
    first = submit(alice, source_file=source_of(), mask=mask_of())
    assert submit(alice, source_file=source_of(), mask=mask_of()) == first
    assert Upload.objects.count() == 2
    assert InputPicture.objects.count() == 1
    with pytest.raises(Refused) as refused:
        submit(alice, source_file=source_of(), mask=mask_of((96, 96)))
    assert refused.value.code == "key_reused"
    assert storage.read(Upload.objects.earliest("pk").file)


def test_a_remix_of_a_variation_and_its_file_say_the_same_variation(alice: User, make_image: MakeImage) -> None:
    image = make_image(alice, seed=77, width=32, height=32)
    made = services.vary_image(image=image, author=alice, idempotency_key="vary", strength=0.25, count=1)
    varied = made.images.select_related("generation__checkpoint", "generation__style").get()
    wanted = {
        "edit_kind": "variation",
        "variation_seed": varied.variation_seed,
        "variation_strength": "0.25",
        "seed": 77,
    }
    remix = remix_of(varied, kind="same", member=alice, at=timezone.now()).initial
    assert {name: remix[name] for name in wanted} == wanted
    parameters = Parameters.of(varied)
    for texts in ({"salon": parameters.as_json()}, {"parameters": parameters.as_a1111()}):
        recipe = read_recipe(texts)
        assert recipe is not None
        recalled = match_recipe(recipe)
        assert {name: recalled.initial[name] for name in wanted} == wanted
        assert recalled.missing == []


def test_a_remix_of_an_enlarged_picture_enlarges_again_and_of_a_finished_draft_starts_from_words(
    alice: User, make_image: MakeImage
) -> None:
    source = make_image(alice, width=32, height=32)
    larger = submit(alice, kind="upscale", source_image=source, upscale_factor=3, count=1, steps=10)
    image = larger.images.select_related("generation__checkpoint", "generation__style").get()
    initial = remix_of(image, kind="same", member=alice, at=timezone.now()).initial
    assert (initial["edit_kind"], initial["upscale_factor"], initial["keep_source"]) == ("upscale", "3", True)
    Generation.objects.filter(pk=larger.pk).update(kind="final")
    image = Image.objects.select_related("generation__checkpoint", "generation__style").get(pk=image.pk)
    initial = remix_of(image, kind="same", member=alice, at=timezone.now()).initial
    assert (initial.get("edit_kind"), initial["keep_source"], initial["strength"]) == (None, False, "")
