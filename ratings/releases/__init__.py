"""Dataset releases: one module per format, and the parts that formats share.

A format decides which rows are published and what their columns mean (`formats.base.Format`); splits, pseudonyms,
shards, Parquet, card and manifest are shared. A new format is a new module and an entry in `formats.registry`.
"""

SCHEMA_VERSION = "1.2"
