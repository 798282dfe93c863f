"""Emergent styles: groups of prompts whose style words mean nearly the same, week by week."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from accounts.models import Role, User, Viewer
from feed.posts.models import Post
from feed.search.embeddings.vectors import TEXT_DIMENSIONS
from lib.ids import PublicIdModel
from moderation.models import Restriction


class EmergentStyle(PublicIdModel):
    """A style followed from week to week by its centre. `words` are typical words, shown until members name it."""

    centre = HalfVectorField(dimensions=TEXT_DIMENSIONS)
    words = models.CharField(max_length=120)
    first_week = models.DateField()


class StyleWeek(models.Model):
    """A style and the whole site in one week; only written by the clustering of that week."""

    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="weeks")
    week = models.DateField()  # its Monday, in SITE_TIME_ZONE
    posts = models.PositiveIntegerField()
    likes = models.PositiveIntegerField()
    site_posts = models.PositiveIntegerField()
    site_likes = models.PositiveIntegerField()
    growth_ratio = models.FloatField(db_column="rise")  # share of posts over that of the four weeks before

    class Meta:
        constraints = [models.UniqueConstraint(fields=["style", "week"], name="styleweek_once")]
        indexes = [models.Index(fields=["week", "-growth_ratio"], name="styleweek_rising")]


class StyledPost(models.Model):
    """A post of a style; the posts nearest to its centre are its examples."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="emergent")
    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="styled_posts")
    week = models.DateField()
    distance = models.FloatField(db_column="apart")  # cosine distance from the centre

    class Meta:
        indexes = [models.Index(fields=["style", "-week", "distance"], name="styledpost_examples")]


class StyleNameQuerySet(models.QuerySet["StyleName"]):
    def shown(self, at: datetime) -> "StyleNameQuerySet":
        """Names that are neither removed nor suggested by a banned member; the same for everybody."""
        banned = Restriction.objects.banned(at).values("user_id")
        return self.filter(removed_at=None).exclude(suggested_by__in=banned)

    def visible_to(self, viewer: Viewer, at: datetime) -> "StyleNameQuerySet":
        """`shown`, but moderators see all names."""
        return self if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR) else self.shown(at)


class StyleName(PublicIdModel):
    """A name that a member suggests for a style; screened like other text."""

    style = models.ForeignKey(EmergentStyle, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=40)
    suggested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="style_names"
    )
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # by moderation; cannot be suggested again

    objects = StyleNameQuerySet.as_manager()

    class Meta:
        verbose_name = _("name of a style")
        constraints = [models.UniqueConstraint("style", Lower("name"), name="stylename_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("feed:style", args=[self.style.public_id])


class StyleNameLike(models.Model):
    name = models.ForeignKey(StyleName, on_delete=models.CASCADE, related_name="likes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "member"], name="stylenamelike_once")]
