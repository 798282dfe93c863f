"""Aspect-ratio buckets: the size that a picture is scaled and cut to, so that batches have one size. Pure."""

from dataclasses import dataclass

Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes of about `side` x `side` pixels whose edges are multiples of `multiple`."""

    side: int
    multiple: int

    def bucket_of(self, width: int, height: int) -> Size:
        """The size nearest in shape to a picture of `width` x `height`; a square one gives (side, side)."""
        wide, cells = (width / height) ** 0.5, self.side / self.multiple
        high, across = (max(1, round(cells * share)) for share in (1 / wide, wide))
        return high * self.multiple, across * self.multiple


@dataclass(frozen=True, slots=True)
class Fit:
    """A picture scaled so that it covers its bucket, and where the middle of it is cut out."""

    width: int
    height: int
    left: int
    top: int


def fit(width: int, height: int, bucket: Size) -> Fit:
    """How a picture of `width` x `height` is scaled to cover `bucket` and cut to it."""
    high, across = bucket
    scale = max(across / width, high / height)
    wide, tall = max(across, round(width * scale)), max(high, round(height * scale))
    return Fit(wide, tall, (wide - across) // 2, (tall - high) // 2)
