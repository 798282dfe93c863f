"""The search index: one row per visible post, embeddings of pictures, and the words that posts use."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from pgvector.django import BitField, HalfVectorField, HnswIndex

from feed.posts.models import Post
from feed.search.embeddings.vectors import TEXT_DIMENSIONS


class SearchEntryQuerySet(models.QuerySet["SearchEntry"]):
    def without_embedding(self) -> "SearchEntryQuerySet":
        """Rows whose text no worker has embedded yet."""
        return self.filter(embedding=None).exclude(text="")


class SearchEntry(models.Model):
    """The indexed row of a visible post; a hidden post has none (`feed.search.indexing`).

    `text` is what everybody may read: title, tags, and the prompt unless its author hides it. `embedding` is a unit
    vector of that text, null until a worker has made it. Level and visibility only pre-filter here: every result is
    checked by `Post.objects.listed_for` again.
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
    lexemes = SearchVectorField(null=True)  # of the post's words (`PostWords.readable`), by salon_lexemes
    words = models.GeneratedField(  # what the version before this one searches; to be dropped
        expression=SearchVector("text", config="salon"), output_field=SearchVectorField(), db_persist=True
    )
    embedding = HalfVectorField(dimensions=TEXT_DIMENSIONS, null=True, db_column="meaning")
    pdq = BitField(length=256, null=True)  # null if the picture is too plain for PDQ

    objects = SearchEntryQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="searchentry_words"),
            GinIndex(fields=["lexemes"], name="searchentry_lexemes"),
            HnswIndex(
                fields=["embedding"],
                name="searchentry_near",
                m=24,
                ef_construction=128,
                opclasses=["halfvec_cosine_ops"],
            ),
            HnswIndex(fields=["pdq"], name="searchentry_pdq", opclasses=["bit_hamming_ops"]),
            models.Index(F("author_id"), F("post").desc(), name="searchentry_author"),  # by:
            # whether the viewer has hidden prompts of their own, checked by every search
            models.Index(fields=["author_id"], name="searchentry_hidden", condition=Q(is_prompt_hidden=True)),
            models.Index(fields=["seed"], name="searchentry_seed"),
            # the worker that embeds them
            models.Index(fields=["post"], name="searchentry_unread", condition=Q(embedding=None) & ~Q(text="")),
        ]


class ImageEmbedding(models.Model):
    """The picture of a visible post as a unit vector; its length depends on the image encoder.

    `use_image_encoder` creates the index, because a column without a fixed length cannot declare one.
    """

    entry = models.OneToOneField(
        SearchEntry, primary_key=True, on_delete=models.CASCADE, related_name="image_embedding"
    )
    encoder = models.CharField(max_length=64)
    vector = HalfVectorField()

    class Meta:
        db_table = "feed_picturereading"


class SearchWord(models.Model):
    """A word of an indexed text with the lowest content level that uses it, for spelling suggestions."""

    word = models.TextField(primary_key=True)
    level = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [GinIndex(fields=["word"], name="searchword_like", opclasses=["gin_trgm_ops"])]
