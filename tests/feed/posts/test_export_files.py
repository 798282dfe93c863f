"""The download of one's own data holds the pictures, and our own API takes back what lies beside them."""

import io
import json
import zipfile

from accounts.models import User
from feed.models import Post
from generation.media import storage
from generation.models import Generation
from tests.conftest import ApiAs, As
from tests.feed.conftest import Publish
from tests.generation.fixtures import MakeImage


def archive_of(as_user: As, member: User) -> zipfile.ZipFile:
    answer = as_user(member).get("/settings/data/salon.zip")
    return zipfile.ZipFile(io.BytesIO(b"".join(answer)))


def test_the_download_holds_every_picture_and_the_api_takes_its_recipe_back(
    alice: User, bob: User, publish: Publish, make_image: MakeImage, as_user: As, api_as: ApiAs
) -> None:
    post = publish(alice, prompt="a fox, ink", title="Fox", seed=77, width=32, height=32, hide_prompt=True)
    private = make_image(alice)
    publish(bob, prompt="not hers")
    archive = archive_of(as_user, alice)
    names = set(archive.namelist())
    pictures = {f"pictures/{image.public_id}.{form}" for image in (post.image, private) for form in ("png", "json")}
    assert {name for name in names if name.startswith("pictures/")} == pictures
    assert {"accounts.json", "generation.json", "feed.json"} <= names
    assert archive.read(f"pictures/{post.image.public_id}.png") == storage.original_png(post.image)
    record = json.loads(archive.read(f"pictures/{post.image.public_id}.json"))
    assert record["post"] == {"title": "Fox", "hide_prompt": True, "tags": []}
    made = api_as(bob).post("/api/generations/", record["generation"])
    assert made.status_code in {200, 201, 202}, made.content
    again = Generation.objects.get(public_id=made.json()["id"])
    assert (again.prompt, again.images.get().seed, again.steps) == ("a fox, ink", 77, post.image.generation.steps)
    published = api_as(alice).post("/api/posts/", {"image": private.public_id, **record["post"]})
    assert published.status_code == 201, published.content
    assert Post.objects.get(public_id=published.json()["id"]).title == "Fox"


def test_a_picture_whose_file_is_gone_does_not_break_the_download(
    alice: User, make_image: MakeImage, as_user: As
) -> None:
    image = make_image(alice)
    storage.delete_prefix(image.prefix)
    archive = archive_of(as_user, alice)
    assert archive.testzip() is None
    assert f"pictures/{image.public_id}.png" not in archive.namelist()
