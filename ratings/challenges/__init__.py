"""Votes on challenges: which pairs of entries are shown, what the votes add up to, and when a challenge is decided."""
