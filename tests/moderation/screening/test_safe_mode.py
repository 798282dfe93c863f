"""A locked site makes and shows nothing above the general level."""

import numpy as np
import PIL.Image
import pytest
from pytest_django.fixtures import Settings

from accounts.models import User, level_for
from accounts.services import set_viewing
from lib.content_levels import ContentLevel
from lib.errors import Refused
from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation
from moderation.screening.services import screen_image, screen_text

pytestmark = pytest.mark.django_db


def is_sensitive(picture: Picture) -> list[Observation]:
    return [Observation("test", "1", Label.EXPLICIT, 0.4, Reason.SEXUAL)]


def test_a_locked_site_refuses_words_and_holds_pictures_above_general(alice: User, settings: Settings) -> None:
    settings.MODERATION_IMAGE_CHECKERS = [f"{__name__}.is_sensitive"]
    picture = PIL.Image.fromarray(np.zeros((32, 32, 3), np.uint8))
    open_site = [screen_text(text="a nude portrait", kind="prompt").verdict, screen_image(image=picture).verdict]
    settings.SAFE_MODE = True
    words, held = screen_text(text="a nude portrait", kind="prompt"), screen_image(image=picture)
    assert "reject" not in open_site
    assert "hold" not in open_site
    assert (words.verdict, held.verdict) == ("reject", "hold")
    assert words.message == held.message == "This site shows general pictures only."
    assert screen_text(text="a cat in a garden", kind="prompt").verdict == "allow"
    set_viewing(user=alice, is_adult=True, max_level=ContentLevel.GENERAL)
    with pytest.raises(Refused):
        set_viewing(user=alice, is_adult=True, max_level=ContentLevel.SENSITIVE)
    alice.max_level = ContentLevel.MATURE
    assert level_for(alice) == ContentLevel.GENERAL
