"""Search finds too few of the nearest among a million posts with 16 links a vector (`benchmarks.search`).

The new index is there before the old one goes, and neither locks the table. With very many posts PostgreSQL needs
`maintenance_work_mem` for the whole graph (2 GB for a million) to build it in minutes and not in hours.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from pgvector.django import HnswIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("feed", "0010_style_names_can_be_removed")]

    operations = [
        AddIndexConcurrently(
            "searchentry",
            HnswIndex(
                fields=["meaning"],
                name="searchentry_near",
                m=24,
                ef_construction=128,
                opclasses=["halfvec_cosine_ops"],
            ),
        ),
        RemoveIndexConcurrently("searchentry", "searchentry_meaning"),
    ]
