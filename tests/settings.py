"""The settings of a test run: Salon's own, on services started for it (tests/services.py)."""

import os

from tests import services

services.start()

from config.settings import *

# A password takes a microsecond here and a quarter of a second in life; nothing else is made easier.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
# Browser tests serve the collected, hashed files as production does; a test client needs none of them.
if not os.environ.get("SALON_TEST_SITE"):
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
