"""Dataset releases: one module per format, and the parts they share.

A format says which rows leave and what their columns mean (`columns.Format`); everything else (splits,
pseudonyms, shards, Parquet, card, manifest) is shared. Another format is another module and a line in
`formats.FORMATS`.
"""

SCHEMA_VERSION = "1.1"
