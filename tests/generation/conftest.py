"""Fixtures of generation's own tests."""

import pytest

from generation.models import Checkpoint
from tests.generation.fixtures import checkpoint_row


@pytest.fixture
def toy(db: None) -> Checkpoint:
    """A registered checkpoint that cannot be loaded: for requests that are not drawn."""
    return checkpoint_row("toy", "toy")
