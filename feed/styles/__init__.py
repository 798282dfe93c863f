"""Emergent styles: found by clustering prompts, named by members."""
