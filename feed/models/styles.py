"""Styles that emerge: groups of prompts whose style words mean much the same, week by week."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from pgvector.django import HalfVectorField

from accounts.ids import PublicIdModel
from feed.models.posts import Post
from feed.models.search import DIMENSIONS


class EmergentStyle(PublicIdModel):
    """A style followed from week to week by its centre. `words` are typical ones, until the community names it."""

    centre = HalfVectorField(dimensions=DIMENSIONS)
    words = models.CharField(max_length=120)
    first_week = models.DateField()


class StyleWeek(models.Model):
    """How a style did in one week, beside the whole site; written by the clustering of that week alone."""

    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="weeks")
    week = models.DateField()  # its Monday, in SITE_TIME_ZONE
    posts = models.PositiveIntegerField()
    likes = models.PositiveIntegerField()
    site_posts = models.PositiveIntegerField()
    site_likes = models.PositiveIntegerField()
    rise = models.FloatField()  # its share of posts over that of the four weeks before; 1 is unchanged

    class Meta:
        constraints = [models.UniqueConstraint(fields=["style", "week"], name="styleweek_once")]
        indexes = [models.Index(fields=["week", "-rise"], name="styleweek_rising")]


class StyledPost(models.Model):
    """A post's place in a style; the nearest to its centre are its examples."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="emergent")
    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="styled_posts")
    week = models.DateField()
    apart = models.FloatField()  # cosine distance from the centre

    class Meta:
        indexes = [models.Index(fields=["style", "-week", "apart"], name="styledpost_examples")]


class StyleName(PublicIdModel):
    """What a member would call a style; screened like any words."""

    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=40)
    suggested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="style_names"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("style", Lower("name"), name="stylename_once")]

    def __str__(self) -> str:
        return self.name


class StyleNameLike(models.Model):
    name = models.ForeignKey(StyleName, on_delete=models.CASCADE, related_name="likes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "member"], name="stylenamelike_once")]
