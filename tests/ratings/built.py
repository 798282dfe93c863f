"""A release of every kind, built once for all the tests of a process that only read it."""

from pathlib import Path

import pytest

from ratings.releases.formats.registry import FORMATS
from tests.ratings.test_releases import build, community, make_pair

__all__ = ["community", "make_pair", "release_folder"]  # fixtures
_BUILT: list[Path] = []


@pytest.fixture
def release_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release with a row of every kind in train and validation. Copy it before changing it."""
    if not _BUILT:
        request.getfixturevalue("community")
        out = tmp_path_factory.mktemp("built") / "salon-pickapic-2026.11.22"
        build(out, tuple(FORMATS))
        _BUILT.append(out)
    return _BUILT[0]
