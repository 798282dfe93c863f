"""Models of search and styles get standard names. Tables, columns and indexes keep theirs, so no data is rewritten."""

import django.db.models.deletion
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models

NAMES = [
    migrations.RemoveIndex("searchentry", "searchentry_near"),
    migrations.RemoveIndex("searchentry", "searchentry_unread"),
    migrations.AlterField(
        "searchentry",
        "meaning",
        pgvector.django.halfvec.HalfVectorField(db_column="meaning", dimensions=384, null=True),
    ),
    migrations.RenameField("searchentry", "meaning", "embedding"),
    migrations.AddIndex(
        "searchentry",
        pgvector.django.indexes.HnswIndex(
            ef_construction=128,
            fields=["embedding"],
            m=24,
            name="searchentry_near",
            opclasses=["halfvec_cosine_ops"],
        ),
    ),
    migrations.AddIndex(
        "searchentry",
        models.Index(
            condition=models.Q(("embedding", None), models.Q(("text", ""), _negated=True)),
            fields=["post"],
            name="searchentry_unread",
        ),
    ),
    migrations.AlterField(
        "imageembedding",
        "entry",
        models.OneToOneField(
            on_delete=django.db.models.deletion.CASCADE,
            primary_key=True,
            related_name="image_embedding",
            serialize=False,
            to="feed.searchentry",
        ),
    ),
    migrations.RemoveIndex("styleweek", "styleweek_rising"),
    migrations.AlterField("styleweek", "rise", models.FloatField(db_column="rise")),
    migrations.RenameField("styleweek", "rise", "growth_ratio"),
    migrations.AddIndex("styleweek", models.Index(fields=["week", "-growth_ratio"], name="styleweek_rising")),
    migrations.RemoveIndex("styledpost", "styledpost_examples"),
    migrations.AlterField("styledpost", "apart", models.FloatField(db_column="apart")),
    migrations.RenameField("styledpost", "apart", "distance"),
    migrations.AddIndex("styledpost", models.Index(fields=["style", "-week", "distance"], name="styledpost_examples")),
]


class Migration(migrations.Migration):
    dependencies = [("feed", "0014_standard_names_of_recounts_and_notifications")]

    operations = [
        migrations.AlterModelTable("picturereading", "feed_picturereading"),
        migrations.RenameModel("PictureReading", "ImageEmbedding"),
        migrations.SeparateDatabaseAndState(state_operations=NAMES),
    ]
