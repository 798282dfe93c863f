"""Words are cut by `lib.text` alone: of posts, for mutes and search, and of mutes. `index_search` fills what is new.

What the version before this one reads (`feed_searchentry.words`) stays, so that both can run while a site is updated.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

# Without accents, English words by their stem; NULL for a word that is too common to say anything.
FUNCTIONS = """
    CREATE FUNCTION salon_lexeme(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN plain ~ '^[a-z]+$' THEN (ts_lexize('english_stem', plain))[1] ELSE plain END
        FROM (SELECT coalesce((ts_lexize('unaccent', word))[1], word)) AS folded (plain)
    $$;
    CREATE FUNCTION salon_lexemes(words text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(string_agg(quote_literal(lexeme) || ':' || least(place, 16383), ' '), '')::tsvector
        FROM unnest(string_to_array(words, ' ')) WITH ORDINALITY AS cut (word, place),
             LATERAL (SELECT salon_lexeme(word)) AS stemmed (lexeme)
        WHERE word NOT IN ('', '|') AND lexeme <> ''
    $$;
"""
NO_FUNCTIONS = "DROP FUNCTION salon_lexemes(text); DROP FUNCTION salon_lexeme(text);"


class Migration(migrations.Migration):
    dependencies = [("feed", "0015_standard_names_of_search_and_styles")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.CreateModel(
            name="PostWords",
            fields=[
                (
                    "post",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="feed.post",
                    ),
                ),
                ("readable", models.TextField()),
                ("hidden", models.TextField()),
                ("source", models.UUIDField()),
                ("version", models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.AddField("comment", "words", models.TextField(blank=True, db_default="", default="")),
        migrations.AddField("mute", "words", models.CharField(blank=True, db_default="", default="", max_length=200)),
        migrations.AddField("searchentry", "lexemes", django.contrib.postgres.search.SearchVectorField(null=True)),
        migrations.AddIndex(
            "searchentry",
            django.contrib.postgres.indexes.GinIndex(fields=["lexemes"], name="searchentry_lexemes"),
        ),
    ]
