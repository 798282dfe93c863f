"""The app that brings `manage.py backup` and `manage.py restore`."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "config.backups"
    label = "backups"
