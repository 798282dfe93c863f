"""How pictures look, as numbers."""

import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest

from lib.images.appearance import appearance_of


def noise(size: tuple[int, int]) -> PIL.Image.Image:
    small = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return PIL.Image.fromarray(small).resize(size, PIL.Image.Resampling.NEAREST)


def test_a_blurred_picture_is_less_sharp_a_grey_one_not_saturated_and_a_white_one_light() -> None:
    picture = noise((128, 128))
    seen = appearance_of(picture)
    assert appearance_of(picture.filter(PIL.ImageFilter.GaussianBlur(8))).sharpness < 0.7 * seen.sharpness
    assert appearance_of(picture.convert("L")).saturation == 0
    assert appearance_of(PIL.Image.new("RGBA", (3, 1), "white")) == pytest.approx((0, 0, 1))
    assert appearance_of(PIL.Image.new("RGB", (64, 64), "red"))[1:] == pytest.approx((1, 0.299), abs=0.003)


def test_pictures_of_all_sizes_are_measured_alike() -> None:
    small, large = appearance_of(noise((256, 256))), appearance_of(noise((1024, 1024)))
    assert small == pytest.approx(large, rel=0.05)
