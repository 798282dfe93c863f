#!/usr/bin/env python
"""Salon's command line: `python manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except Exception as error:
        from config import availability

        if not availability.is_unreachable(error):
            raise
        sys.exit(availability.database_trouble() or availability.valkey_trouble() or str(error))


if __name__ == "__main__":
    main()
