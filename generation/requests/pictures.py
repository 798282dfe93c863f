"""The pictures that come with a request: files are opened here, rows are checked for who may use them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypedDict, TypeVar

import PIL.Image
from django.core.files.base import File
from django.utils.translation import gettext as _

from accounts.models import User
from generation.media import storage
from generation.media.uploads import keep_upload
from generation.models import Generation, Image, InputPicture, Upload
from generation.prompts.sharing import shared_words
from generation.requests.edits import Given
from lib.content_levels import ContentLevel
from lib.errors import NotFound, Refused
from lib.images import open_picture, open_stored

Picture = Image | Upload | File[bytes]
"""One of the site's pictures, an upload of the member's, or a new file."""
MASK_THRESHOLD = 128  # of 255: what is lighter is drawn anew
GONE = "The picture you want to start from is no longer available."
ROLES = {"source": "source_file", "mask": "mask_file", "control": "control_file"}  # and their fields in a form


@dataclass(frozen=True)
class Pictures:
    """What a request brings, each or none."""

    source: Picture | None = None
    mask: Picture | None = None
    control: Picture | None = None
    references: Sequence[Image | Upload] = ()

    @property
    def single(self) -> dict[str, Picture]:
        """Source, mask and control by their role, where they are given."""
        roles = {"source": self.source, "mask": self.mask, "control": self.control}
        return {role: picture for role, picture in roles.items() if picture is not None}

    def rows(self) -> Iterator[Image | Upload]:
        yield from (each for each in self.single.values() if isinstance(each, Image | Upload))
        yield from self.references


@dataclass
class Opened:
    """The pictures of a request whose files are decoded, and which the author may use. Nothing of it is stored yet."""

    pictures: Pictures
    files: dict[str, PIL.Image.Image] = field(default_factory=dict)  # by role
    kept: dict[str, Upload] = field(default_factory=dict)

    @classmethod
    def of(cls, pictures: Pictures, author: User, at: datetime) -> Self:
        """Raises NotFound for a picture that the author may not start from, Refused for a file that is none."""
        _require_usable(pictures, author, at)
        files = {
            role: open_picture(picture, field=ROLES[role])
            for role, picture in pictures.single.items()
            if not isinstance(picture, Image | Upload)
        }
        return cls(pictures, files)

    def given(self, author: User) -> Given:
        """What the checks of a request need to know."""
        source = self.pictures.source
        self._check_mask()
        return Given(
            source=self._size("source"),
            is_from_draft=isinstance(source, Image) and source.author_id == author.pk and source.generation.is_draft,
            has_mask=self.pictures.mask is not None,
            has_control=self.pictures.control is not None,
            references=len(self.pictures.references),
            shared_words=shared_words(_prompts_of(self.pictures.references, author)),
        )

    def _size(self, role: str) -> tuple[int, int] | None:
        if role in self.files:
            return self.files[role].size
        picture = self.pictures.single.get(role)
        return (picture.width, picture.height) if isinstance(picture, Image | Upload) else None

    def _check_mask(self) -> None:
        """A mask has the shape of its source and something white."""
        mask, source = self._size("mask"), self._size("source")
        if mask is None or source is None:
            return
        if abs(mask[0] * source[1] - mask[1] * source[0]) > 0.02 * mask[1] * source[0]:
            raise _refused("mask_file", _("The mask must have the shape of the picture."))
        pixels = self.files.get("mask") or _stored(self.pictures.mask)
        if pixels.convert("L").getextrema()[1] < MASK_THRESHOLD:  # type: ignore[operator]
            raise _refused("mask_file", _("Paint over the part that should change."))

    def lock_uploads(self) -> int:
        """Locks the uploads and returns the content level that a picture made from all of these has at least.

        An upload's check that ends later finds the images that this transaction makes and sets their level.

        Raises:
            NotFound: an upload was refused or deleted meanwhile.
        """
        rows = [*self.pictures.rows(), *self.kept.values()]
        uploads = {each.pk for each in rows if isinstance(each, Upload)}
        usable = Upload.objects.exclude(state=Upload.State.REFUSED).filter(pk__in=uploads)
        levels = [each.content_level for each in usable.select_for_update(no_key=True).order_by("pk")]
        if len(levels) < len(uploads):
            raise NotFound(_(GONE))
        return max([ContentLevel.GENERAL, *levels, *(each.content_level for each in rows if isinstance(each, Image))])

    def keep(self, author: User, at: datetime) -> None:
        """Stores the new files; where one cannot be, none stays."""
        try:
            for role, picture in self.files.items():
                self.kept[role] = keep_upload(author=author, picture=picture, at=at)
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        """Deletes what `keep` stored: another request came first."""
        for upload in self.kept.values():
            upload.delete()
            storage.delete(upload.file)
        self.kept.clear()

    def row(self, role: str) -> Image | Upload | None:
        """The row of a picture, once new files are kept."""
        picture = self.kept.get(role) or self.pictures.single.get(role)
        return picture if isinstance(picture, Image | Upload) else None

    def store(self, generation: Generation) -> None:
        """Writes down the pictures beside the source."""
        found: list[tuple[str, int, Image | Upload | None]] = [
            (InputPicture.Role.MASK, 0, self.row("mask")), (InputPicture.Role.CONTROL, 0, self.row("control")),
            *((InputPicture.Role.REFERENCE, number, row) for number, row in enumerate(self.pictures.references)),
        ]  # fmt: skip
        InputPicture.objects.bulk_create(
            InputPicture(
                generation=generation,
                role=role,
                position=position,
                image=row if isinstance(row, Image) else None,
                upload=row if isinstance(row, Upload) else None,
            )
            for role, position, row in found
            if row is not None
        )


def named_pictures(author: User, values: Mapping[str, Any], at: datetime) -> "PictureArguments":
    """The rows that a request names by public ids; raises NotFound for one that the author may not use."""
    references = list(values.get("references") or [])

    def image(name: str) -> Image | None:
        return _images(author, [values[name]], at)[0] if values.get(name) else None

    def upload(name: str) -> Upload | None:
        return _uploads(author, [values[name]])[0] if values.get(name) else None

    return {
        "source_image": image("source_image"),
        "source_upload": upload("source_upload"),
        "mask": upload("mask_upload"),
        "control_picture": upload("control_upload") or image("control_image"),
        "references": usable_pictures(author, references, at),
    }


def _images(author: User, names: Sequence[str], at: datetime) -> list[Image]:
    rows = Image.objects.visible_to(author, at).select_related("generation").filter(public_id__in=names)
    return _in_order(names, {row.public_id: row for row in rows})


def _uploads(author: User, names: Sequence[str]) -> list[Upload]:
    rows = Upload.objects.usable_by(author).filter(public_id__in=names)
    return _in_order(names, {row.public_id: row for row in rows})


def usable_pictures(author: User, names: Sequence[str], at: datetime) -> list[Image | Upload]:
    """Pictures of the site and uploads by their public ids; raises NotFound for one that the author may not use."""
    images = Image.objects.visible_to(author, at).select_related("generation").filter(public_id__in=names)
    found: dict[str, Image | Upload] = {row.public_id: row for row in images}
    found |= {row.public_id: row for row in Upload.objects.usable_by(author).filter(public_id__in=names)}
    return _in_order(names, found)


P = TypeVar("P")


def _in_order(names: Sequence[str], found: Mapping[str, P]) -> list[P]:
    if any(name not in found for name in names):
        raise NotFound(_(GONE))
    return [found[name] for name in names]


class PictureArguments(TypedDict, total=False):
    """Arguments of `services.submit_generation`."""

    source_image: Image | None
    source_upload: Upload | None
    mask: Image | Upload | None
    control_picture: Image | Upload | None
    references: Sequence[Image | Upload]


def pictures_of(generation: Generation) -> PictureArguments:
    """What a generation was made from, to make it again; what is gone is left out."""
    rows = generation.inputs.select_related("image__generation", "upload").order_by("position")
    found = {role: [row.picture for row in rows if row.role == role and row.picture] for role in InputPicture.Role}
    return {
        "source_image": generation.source_image,
        "source_upload": generation.upload,
        "mask": next(iter(found[InputPicture.Role.MASK]), None),
        "control_picture": next(iter(found[InputPicture.Role.CONTROL]), None),
        "references": [each for each in found[InputPicture.Role.REFERENCE] if each is not None],
    }


def _require_usable(pictures: Pictures, author: User, at: datetime) -> None:
    """Raises NotFound: a picture is not visible to the author, has no file, or is somebody else's upload."""
    rows = list(pictures.rows())
    images = {each.pk for each in rows if isinstance(each, Image)}
    uploads = {each.pk for each in rows if isinstance(each, Upload)}
    seen = Image.objects.visible_to(author, at).filter(pk__in=images).exclude(prefix="")
    own = Upload.objects.usable_by(author).filter(pk__in=uploads)
    if (images and seen.count() < len(images)) or (uploads and own.count() < len(uploads)):
        raise NotFound(_(GONE))


def _prompts_of(references: Sequence[Image | Upload], author: User) -> list[str]:
    """Of the pictures whose prompts the author may read."""
    images = (each for each in references if isinstance(each, Image))
    return [image.generation.prompt for image in images if image.may_read_prompt(author)]


def _stored(picture: Picture | None) -> PIL.Image.Image:
    name = storage.original_name(picture) if isinstance(picture, Image) else getattr(picture, "file", "")
    try:
        return open_stored(storage.read(name))
    except FileNotFoundError:
        raise NotFound(_(GONE)) from None


def _refused(name: str, message: str) -> Refused:
    return Refused("invalid", message, fields={name: [message]})
