"""Salon's settings, with the views that benchmarks compare it against."""

from config.settings import *

ROOT_URLCONF = "benchmarks._bare"
