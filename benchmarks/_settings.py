"""Salon's settings, with the views that benchmarks compare it against."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks._bare"
