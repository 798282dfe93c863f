"""The picture that a decided challenge shows where it is shared: theme, day and podium, drawn with Pillow."""

import hashlib
import io
from datetime import datetime

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import PIL.ImageOps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.formats import date_format

from feed.challenges.models import Challenge
from feed.posts.models import Post
from generation.media import storage
from lib.images import open_stored

SIZE = (1200, 630)  # what link previews are cut to
MARGIN, GAP = 56, 24
PAPER, INK, QUIET = "#f8f6f1", "#221f1a", "#6d665c"


def card_name(challenge: Challenge) -> str:
    """The file in the store."""
    return f"challenges/{challenge.day.isoformat()}/{challenge.card_hash}.png"


def draw_card(*, challenge_id: int, at: datetime) -> None:
    """Draws the card of a decided challenge and names it in its row; file before row. May be repeated."""
    challenge = Challenge.objects.finished().filter(pk=challenge_id).first()
    if challenge is None:
        return
    visitor = AnonymousUser()
    shown = Post.objects.listed_for(visitor, at).filter(
        challenge_entries__challenge=challenge, challenge_entries__place__lte=3
    )
    posts = list(shown.select_related("image", "author").order_by("challenge_entries__place", "pk")[:3])
    pictures = [(open_stored(storage.training_jpeg(post.image)), post.author.username) for post in posts]
    data = paint(challenge.theme, date_format(challenge.day), settings.SITE_NAME, pictures)
    before = card_name(challenge) if challenge.card_hash else ""
    challenge.card_hash = hashlib.sha256(data).hexdigest()[:16]
    if card_name(challenge) == before:
        return
    storage.write(card_name(challenge), data)
    Challenge.objects.filter(pk=challenge.pk).update(card_hash=challenge.card_hash)
    if before:
        storage.delete(before)


def paint(theme: str, day: str, site: str, pictures: list[tuple[PIL.Image.Image, str]]) -> bytes:
    """A PNG of `SIZE`; `pictures` are up to three with their authors' names, the winner first."""
    card = PIL.Image.new("RGB", SIZE, PAPER)
    draw = PIL.ImageDraw.Draw(card)
    width, height = SIZE
    draw.text((MARGIN, MARGIN), day, fill=QUIET, font=_font(26))
    title = _fitting(draw, theme, width - 2 * MARGIN)
    draw.text((MARGIN, MARGIN + 40), title[0], fill=INK, font=title[1])
    draw.text((width - MARGIN, MARGIN), site, fill=QUIET, font=_font(26), anchor="ra")
    top = MARGIN + 130
    side = height - top - MARGIN - 40
    for index, (picture, author) in enumerate(pictures):
        left = MARGIN + index * (side + GAP)
        small = PIL.ImageOps.pad(picture.convert("RGB"), (side, side), color="#ece8df")
        card.paste(small, (left, top))
        draw.text((left, top + side + 10), f"{index + 1}  {author[:24]}", fill=INK, font=_font(24))
    stream = io.BytesIO()
    card.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _font(size: int) -> PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont:
    return PIL.ImageFont.load_default(size)


def _fitting(
    draw: PIL.ImageDraw.ImageDraw, text: str, width: int
) -> tuple[str, PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont]:
    """The text in the largest size that fits one line, cut where none does."""
    for size in (64, 52, 44, 36):
        if draw.textlength(text, font=_font(size)) <= width:
            return text, _font(size)
    while text and draw.textlength(f"{text}…", font=_font(36)) > width:
        text = text[:-1]
    return f"{text}…", _font(36)
