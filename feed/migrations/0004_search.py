import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import pgvector.django.bit
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models
from django.db.models import F, Q

# Accents fold away, and what follows each word's letters is stemmed as English; `salon_plain` keeps words whole.
CONFIGURATIONS = """
    CREATE TEXT SEARCH CONFIGURATION salon (COPY = english);
    ALTER TEXT SEARCH CONFIGURATION salon
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
    CREATE TEXT SEARCH CONFIGURATION salon_plain (COPY = simple);
    ALTER TEXT SEARCH CONFIGURATION salon_plain
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
"""
NO_CONFIGURATIONS = "DROP TEXT SEARCH CONFIGURATION salon; DROP TEXT SEARCH CONFIGURATION salon_plain;"


class Migration(migrations.Migration):
    dependencies = [("feed", "0003_people_and_tags")]

    operations = [
        migrations.RunSQL(CONFIGURATIONS, NO_CONFIGURATIONS),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "post",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_entry",
                        serialize=False,
                        to="feed.post",
                    ),
                ),
                ("author_id", models.BigIntegerField()),
                ("checkpoint_id", models.BigIntegerField()),
                ("style_id", models.BigIntegerField(null=True)),
                ("seed", models.BigIntegerField()),
                ("published_at", models.DateTimeField()),
                ("content_level", models.PositiveSmallIntegerField()),
                ("is_prompt_hidden", models.BooleanField()),
                ("text", models.TextField()),
                (
                    "words",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector("text", config="salon"),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                ("meaning", pgvector.django.halfvec.HalfVectorField(dimensions=384, null=True)),
                ("pdq", pgvector.django.bit.BitField(length=256, null=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["words"], name="searchentry_words"),
                    pgvector.django.indexes.HnswIndex(
                        fields=["meaning"], name="searchentry_meaning", opclasses=["halfvec_cosine_ops"]
                    ),
                    pgvector.django.indexes.HnswIndex(
                        fields=["pdq"], name="searchentry_pdq", opclasses=["bit_hamming_ops"]
                    ),
                    models.Index(F("author_id"), F("post").desc(), name="searchentry_author"),
                    models.Index(fields=["seed"], name="searchentry_seed"),
                    models.Index(fields=["post"], name="searchentry_unread", condition=Q(meaning=None) & ~Q(text="")),
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("word", models.TextField(primary_key=True, serialize=False)),
                ("level", models.PositiveSmallIntegerField()),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["word"], name="searchword_like", opclasses=["gin_trgm_ops"]
                    )
                ],
            },
        ),
        # A level may change without touching an index: room for the new version of the row on its page.
        migrations.RunSQL("ALTER TABLE feed_searchentry SET (fillfactor = 85)", migrations.RunSQL.noop),
    ]
