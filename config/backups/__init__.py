"""Backups of the whole site: the database, the files, and which secrets belong to them. See docs/backups.md."""
