"""Which answers a quality flag speaks against; reports leave them out, the ledger keeps them."""

# Of an ask `a`, by the rules in force: flags of an older version, or lifted ones, say nothing.
UNFLAGGED = """NOT EXISTS (
        SELECT FROM ratings_qualityflag f
        WHERE f.ask_id = a.id AND f.lifted_at IS NULL
              AND f.version = (SELECT max(version) FROM ratings_qualityflag)
    )"""
