"""Gold pairs: one picture is damaged so visibly that no attentive rater prefers it. Pure."""

import io

import PIL.Image
import PIL.ImageOps

from lib.images import open_stored

BLOCKS = 14  # squares along the longer side
BITS = 2  # of each colour that are left


def spoil(data: bytes) -> bytes:
    """The picture (any format) as a WebP of the same size: a few large squares of crude colours."""
    picture = open_stored(data)
    scale = BLOCKS / max(picture.size)
    few = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    crude = PIL.ImageOps.posterize(few, BITS).resize(picture.size, PIL.Image.Resampling.NEAREST)
    out = io.BytesIO()
    crude.save(out, "WEBP", quality=80)
    return out.getvalue()
