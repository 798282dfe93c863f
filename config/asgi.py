"""The ASGI application that the web server runs."""

import os

from django.core.asgi import get_asgi_application

from config.observability import serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
serving.prepare()  # before anything counts
application = get_asgi_application()

from config.availability import require_services  # noqa: E402 - needs the settings

require_services()
serving.serve()
