"""An index that finds every blocked hash within 31 bits of another, exactly, among ten million: multi-index hashing.

A hash of 256 bits is cut into eleven parts. Of two hashes that differ in at most 31 bits, at least one part differs in
at most `radius` bits of its own, because the sum of ``radius + 1`` over all parts is 32 (pigeonhole). So the function
looks up, in a plain index over each part, everything within the radius of that part (2,866 keys in all), and compares
what it finds: some 2,900 rows of ten million. Parts of about log2(rows) bits need the fewest look-ups and comparisons
together.

Norouzi, Punjani, Fleet: Fast Exact Search in Hamming Space with Multi-Index Hashing, 2014.

The indexes are over expressions, so no column is added and nothing is filled in.
"""

from itertools import accumulate, combinations

from django.db import migrations, models

BITS = [23, 24, 23, 23, 24, 23, 23, 24, 23, 23, 23]
RADII = [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]
PARTS = [(end - bits + 1, bits, radius) for end, bits, radius in zip(accumulate(BITS), BITS, RADII, strict=True)]
assert sum(BITS) == 256
assert sum(radius + 1 for radius in RADII) == 32


def key(hash, start, bits):
    return f"(substring({hash} from {start} for {bits}))::integer"


def ball(bits, radius):
    """Every number of so many bits with at most `radius` of them set."""
    masks = [sum(1 << at for at in chosen) for size in range(radius + 1) for chosen in combinations(range(bits), size)]
    return "'{" + ",".join(map(str, masks)) + "}'::integer[]"


INDEXES = [
    f"CREATE INDEX blocked_pdq_{n} ON moderation_blockedhash (({key('pdq', start, bits)})) WHERE lifted_at IS NULL"
    for n, (start, bits, _radius) in enumerate(PARTS, 1)
]
KEYS = "\n".join(
    f"    keys_{n} integer[] := ARRAY(SELECT {key('wanted', start, bits)} # mask FROM unnest({ball(bits, radius)}) mask);"  # noqa: S608
    for n, (start, bits, radius) in enumerate(PARTS, 1)
)
FOUND = "\n        OR ".join(
    f"{key('row.pdq', start, bits)} = ANY (keys_{n})" for n, (start, bits, _radius) in enumerate(PARTS, 1)
)
# A short list is compared row by row, which is faster than so many look-ups.
FUNCTION = f"""
CREATE FUNCTION salon_blocked_near(wanted bit(256)) RETURNS TABLE (id bigint, apart integer)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    IF pg_relation_size('moderation_blockedhash') < 4000000 THEN
        RETURN QUERY SELECT row.id, bit_count(row.pdq # wanted)::integer FROM moderation_blockedhash row
        WHERE row.lifted_at IS NULL AND bit_count(row.pdq # wanted) <= 31;
        RETURN;
    END IF;
    DECLARE
{KEYS}
    BEGIN
        RETURN QUERY SELECT row.id, bit_count(row.pdq # wanted)::integer FROM moderation_blockedhash row
        WHERE row.lifted_at IS NULL AND bit_count(row.pdq # wanted) <= 31 AND (
        {FOUND}
        );
    END;
END $$;
"""  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("moderation", "0005_evidence_and_notes")]

    operations = [
        migrations.AddField(
            model_name="blockedhash",
            name="swept_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        *[migrations.RunSQL(sql, f"DROP INDEX blocked_pdq_{n}") for n, sql in enumerate(INDEXES, 1)],
        migrations.RunSQL(FUNCTION, "DROP FUNCTION salon_blocked_near(bit)"),
    ]
