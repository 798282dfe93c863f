"""Emergent styles: found by clustering, named by the community."""
