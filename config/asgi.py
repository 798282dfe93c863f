"""The ASGI application that the web server runs."""

import os

from django.core.asgi import get_asgi_application

from config.observability import reporting, serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
serving.prepare()  # before anything counts
reporting.start_tracing("salon-web")  # before the middleware is loaded
application = get_asgi_application()

from config.availability import require_services  # noqa: E402 - needs the settings
from config.observability import pool_numbers  # noqa: E402

require_services()
serving.serve()
pool_numbers.start()
