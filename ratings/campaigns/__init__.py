"""Campaigns: a researcher's own study, from its prompts to its release."""
