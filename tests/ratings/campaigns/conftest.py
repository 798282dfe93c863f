"""Two checkpoints for campaigns."""

import pytest

from generation.models import Checkpoint
from tests.generation.fixtures import checkpoint_row


@pytest.fixture
def two(db: None) -> list[Checkpoint]:
    return [checkpoint_row(slug, slug) for slug in ("aurora", "basalt")]
