"""The settings of a test run: Salon's own, on services started for it (tests/services.py)."""

import os

from tests import services

services.start()

from config.settings import *

# A password takes a microsecond here and a quarter of a second in life; nothing else is made easier.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
# Browser tests serve the files that production serves, but do not wait for their compression; a test client needs none.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("css", "html", "js", "json", "svg", "txt", *WHITENOISE_SKIP_COMPRESS_EXTENSIONS)
if not os.environ.get("SALON_TEST_SITE"):
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
