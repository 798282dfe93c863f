"""PDQ, Meta's perceptual hash of pictures, in numpy: bit for bit what its published C++ computes.

Source: https://github.com/facebook/ThreatExchange/tree/main/pdq (hashing.pdf). Sums are kept in single precision and
in the published order, so that bits of flat and of regular pictures, which rounding decides, agree as well.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]

_SIDE, _FREQUENCIES = 64, 16
_LEAST_SIDE = 5  # pixels; smaller pictures have no hash
_STRIP = 64  # rows or columns at a time: their sums stay in the processor's cache


def _cosines() -> Floats:
    """The 16 lowest frequencies but the constant one, of 64 samples: (16, 64)."""
    angles = np.outer(np.pi / 2 / _SIDE * np.arange(1, _FREQUENCIES + 1), 2 * np.arange(_SIDE) + 1)
    return (np.float64(np.float32(np.sqrt(2 / _SIDE))) * np.cos(angles)).astype(np.float32)


_COSINES = _cosines()
_MIRROR: Floats = np.where(np.arange(_FREQUENCIES) % 2 == 0, -1, 1).astype(np.float32)


def compute(pixels: NDArray[np.uint8]) -> tuple[Bits, int]:
    """The hash of an RGB picture.

    Args:
        pixels: (height, width, 3).

    Returns:
        256 bits, and the quality from 0 to 100. A picture with a side below 5 pixels has only zeros and quality 0.
    """
    spectrum, quality = _spectrum(pixels)
    return _bits(spectrum), quality


def compute_dihedral(pixels: NDArray[np.uint8]) -> tuple[list[Bits], int]:
    """The hashes of a picture as it is, turned by 90, 180 and 270 degrees, mirrored top to bottom, mirrored left to
    right, and mirrored along either diagonal; and their quality."""
    spectrum, quality = _spectrum(pixels)
    rows, columns = spectrum * _MIRROR[:, None], spectrum * _MIRROR
    turned = [spectrum, columns.T, rows * _MIRROR, rows.T, rows, columns, spectrum.T, (rows * _MIRROR).T]
    return [_bits(each) for each in turned], quality


def _spectrum(pixels: NDArray[np.uint8]) -> tuple[Floats, int]:
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return np.zeros((_FREQUENCIES, _FREQUENCIES), np.float32), 0
    small = _shrink(_luminance(pixels))
    return _transform(small), _quality(small)


def _luminance(pixels: NDArray[np.uint8]) -> Floats:
    luminance = np.empty(pixels.shape[:2], np.float32)
    for top in range(0, len(pixels), _STRIP):
        rows = pixels[top : top + _STRIP]
        luminance[top : top + _STRIP] = rows[..., 0] * 0.299 + rows[..., 1] * 0.587 + rows[..., 2] * 0.114
    return luminance


def _shrink(luminance: Floats) -> Floats:
    """64 x 64 samples of the blurred picture."""
    height, width = luminance.shape
    if (height, width) == (_SIDE, _SIDE):
        return luminance
    centres = np.arange(_SIDE) + 0.5
    rows, columns = ((centres * side / _SIDE).astype(int) for side in (height, width))
    luminance = _blur(_blur(luminance.T, _window(width)).T, _window(height))
    across = _blur(luminance.T, _window(width))[columns].T
    small: Floats = _blur(across, _window(height))[rows]
    return small


def _window(side: int) -> int:
    return (side + 2 * _SIDE - 1) // (2 * _SIDE)


def _blur(values: Floats, window: int) -> Floats:
    """Means of `window` rows around each row; fewer at the edges."""
    means = np.empty(values.shape, np.float32)
    for left in range(0, values.shape[1], _STRIP):
        _blur_strip(values[:, left : left + _STRIP], window, means[:, left : left + _STRIP])
    return means


def _blur_strip(values: Floats, window: int, means: Floats) -> None:
    """Writes the blurred `values` into `means`.

    The running sum adds the row that comes in and then subtracts the one that leaves, as two rows of one cumulative
    sum.
    """
    length = len(values)
    first, last = window - (window + 2) // 2 + 1, (window + 2) // 2 - 1  # rows with smaller windows, at either end
    steps = np.empty((2 * length, values.shape[1]), np.float32)
    steps[:window] = values[:window]
    steps[window : 2 * length - window : 2] = values[window:]
    steps[window + 1 : 2 * length - window : 2] = -values[: length - window]
    steps[2 * length - window :] = -values[length - window :]
    sums = np.add.accumulate(steps, axis=0, out=steps)
    growing = np.arange(last + 1, window + 1, dtype=np.float32)[:, None]
    shrinking = np.arange(window - 1, window - 1 - last, -1, dtype=np.float32)[:, None]
    means[:first] = sums[last:window] / growing
    means[first : length - last] = sums[window + 1 : 2 * length - window : 2] / np.float32(window)
    means[length - last :] = sums[2 * length - window : 2 * length - window + last] / shrinking


def _quality(small: Floats) -> int:
    """How much there is to recognise: whole percents of steps between neighbours, summed."""
    steps = (np.trunc(np.diff(small, axis=axis) * np.float32(100) / np.float32(255)) for axis in (0, 1))
    return min(100, int(sum(np.abs(each).sum() for each in steps)) // 90)


def _transform(small: Floats) -> Floats:
    """The discrete cosine transform, summed in the published order: (16, 16)."""
    half = np.zeros((_FREQUENCIES, _SIDE), np.float32)
    spectrum = np.zeros((_FREQUENCIES, _FREQUENCIES), np.float32)
    for k in range(_SIDE):
        half += _COSINES[:, k : k + 1] * small[k]
    for k in range(_SIDE):
        spectrum += half[:, k : k + 1] * _COSINES[:, k]
    return spectrum


def _bits(spectrum: Floats) -> Bits:
    """Which frequencies exceed the (lower) median, the last one first."""
    median = np.sort(spectrum, axis=None)[_FREQUENCIES * _FREQUENCIES // 2 - 1]
    bits: Bits = (spectrum > median).ravel()[::-1].astype(np.uint8)
    return bits
