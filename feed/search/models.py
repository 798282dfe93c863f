"""What search reads: one row per post that shows, and the words they use."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from pgvector.django import BitField, HalfVectorField, HnswIndex

from feed.posts.models import Post

DIMENSIONS = 384


class SearchEntryQuerySet(models.QuerySet["SearchEntry"]):
    def unread(self) -> "SearchEntryQuerySet":
        """Rows whose words were not turned into a vector yet."""
        return self.filter(meaning=None).exclude(text="")


class SearchEntry(models.Model):
    """A post that shows, as search knows it; a post that does not show has none (`feed.search.indexing`).

    `text` is what everybody may read: title, tags, and the prompt unless its author hides it. `meaning` is a unit
    vector of that text, null until a worker has read it. Level and visibility only pre-filter here; every result
    passes `Post.objects.listed_for` again.
    """

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="search_entry")
    author_id = models.BigIntegerField()
    checkpoint_id = models.BigIntegerField()
    style_id = models.BigIntegerField(null=True)
    seed = models.BigIntegerField()
    published_at = models.DateTimeField()
    content_level = models.PositiveSmallIntegerField()
    is_prompt_hidden = models.BooleanField()
    text = models.TextField()
    words = models.GeneratedField(
        expression=SearchVector("text", config="salon"), output_field=SearchVectorField(), db_persist=True
    )
    meaning = HalfVectorField(dimensions=DIMENSIONS, null=True)
    pdq = BitField(length=256, null=True)  # null as well where PDQ cannot tell pictures apart

    objects = SearchEntryQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="searchentry_words"),
            HnswIndex(
                fields=["meaning"],
                name="searchentry_near",
                m=24,
                ef_construction=128,
                opclasses=["halfvec_cosine_ops"],
            ),
            HnswIndex(fields=["pdq"], name="searchentry_pdq", opclasses=["bit_hamming_ops"]),
            models.Index(F("author_id"), F("post").desc(), name="searchentry_author"),  # by:
            # whether a reader has hidden prompts of their own, asked with every search
            models.Index(fields=["author_id"], name="searchentry_hidden", condition=Q(is_prompt_hidden=True)),
            models.Index(fields=["seed"], name="searchentry_seed"),
            # the worker that reads them
            models.Index(fields=["post"], name="searchentry_unread", condition=Q(meaning=None) & ~Q(text="")),
        ]


class PictureReading(models.Model):
    """What an image encoder saw in the picture of a post that shows: a unit vector of as many halves as it makes.

    `use_image_encoder` gives it an index: one of no fixed length has none of its own.
    """

    entry = models.OneToOneField(SearchEntry, primary_key=True, on_delete=models.CASCADE, related_name="picture")
    encoder = models.CharField(max_length=64)
    vector = HalfVectorField()


class SearchWord(models.Model):
    """A word of the texts above and the lowest level it is used at: what a mistyped word may have meant."""

    word = models.TextField(primary_key=True)
    level = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [GinIndex(fields=["word"], name="searchword_like", opclasses=["gin_trgm_ops"])]
