"""What a card and a page show of a post to one viewer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from accounts.models import Viewer
from feed.members.models import Profile
from feed.posts.models import Post
from generation.media.encoding import height_at, jpeg_widths
from generation.media.signing import Picture, download_url, jpeg_url, picture
from generation.models import Image
from lib.content_levels import ContentLevel

PLACES = {1: _lazy("1st in a challenge"), 2: _lazy("2nd in a challenge"), 3: _lazy("3rd in a challenge")}
NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # one clear pixel


@dataclass(frozen=True)
class Card:
    """The attributes that templates/_card.html names."""

    id: str
    url: str
    src: str
    srcset: str
    width: int
    height: int
    alt: str
    placeholder: str
    author_name: str
    author_url: str
    likes: int
    liked: bool
    like_url: str
    remix_url: str
    prompt: str | None
    badges: list[str]
    hide_url: str = ""
    save_url: str = ""
    saved: bool = False
    stack: int = 0  # pictures that this one stands for, itself among them; 0 for one that stands alone
    download_url: str = ""


def card_of(post: Post, viewer: Viewer, at: datetime) -> Card:
    """`post` comes from a list that `viewer` may see, with `with_card(viewer)`."""
    if post.is_blurred:
        return _blurred_card(post)
    shown = picture_of(post, viewer, at)
    return Card(
        id=post.public_id,
        url=post.get_absolute_url(),
        src=shown.src,
        srcset=shown.srcset,
        width=shown.width,
        height=shown.height,
        alt=shown.alt,
        placeholder=shown.placeholder,
        author_name=post.author.username,
        author_url=profile_url(post.author.username),
        likes=post.count.likes,
        liked=post.is_liked,
        like_url="" if viewer.pk == post.author_id else like_url(post, is_liked=post.is_liked),
        remix_url=remix_url(post),
        prompt=post.image.generation.prompt if post.may_read_prompt(viewer) else None,
        badges=_badges(post),
        save_url=save_url(post, is_saved=post.is_saved),
        saved=post.is_saved,
        hide_url=hide_url(post) if viewer.pk not in {None, post.author_id} else "",
        stack=post.stack_count + 1 if post.stack_count else 0,
        download_url=download_url(post.image, viewer_may_sign=True, viewer=viewer, at=at),
    )


def _blurred_card(post: Post) -> Card:
    """Says that there is something and lets the viewer open it; of the picture only its placeholder leaves."""
    return Card(
        id=post.public_id,
        url=post.get_absolute_url(),
        src=post.image.placeholder or NOTHING,
        srcset="",
        width=post.image.width,
        height=post.image.height,
        alt=_("A picture that you muted; open it to see it"),
        placeholder="",
        author_name=post.author.username,
        author_url=profile_url(post.author.username),
        likes=post.count.likes,
        liked=post.is_liked,
        like_url="",
        remix_url="",
        prompt=None,
        badges=[_("Muted")],
    )


def picture_of(post: Post, viewer: Viewer, at: datetime, sizes: str = "") -> Picture:
    """The picture of a post that `viewer` may see; its generated alternative text never reveals a hidden prompt."""
    shown = picture(post.image, viewer_may_sign=True, viewer=viewer, sizes=sizes, at=at)
    if post.image.is_alt_written or post.may_read_prompt(viewer):
        return shown
    return replace(shown, alt=post.title or _("A picture by %(name)s") % {"name": post.author.username})


def shared_jpeg(
    image: Image, at: datetime, *, max_width: int | None = None, max_height: int | None = None
) -> dict[str, Any] | None:
    """Address, width and height of a picture as other sites show it; None if it has nothing that small."""
    most = min(max_width or image.width, (max_height or image.height) * image.width // image.height)
    width = max((each for each in jpeg_widths(image.rendition_widths) if each <= most), default=None)
    if width is None:
        return None
    url = settings.SITE_URL + jpeg_url(image, width, viewer_may_sign=True, at=at)
    return {"url": url, "width": width, "height": height_at(width, image.width, image.height)}


def avatar_post(profile: Profile, viewer: Viewer, at: datetime) -> Post | None:
    """The post whose picture is the avatar, if the viewer may see it now."""
    if profile.avatar_id is None:
        return None
    return Post.objects.listed_for(viewer, at).with_card(viewer).filter(image=profile.avatar_id).first()


def profile_url(username: str) -> str:
    return reverse("feed:profile", args=[username])


def like_url(post: Post, *, is_liked: bool) -> str:
    """Where the like button posts to: what it does next. Both ends are idempotent, so a double click is one."""
    return reverse("feed:unlike" if is_liked else "feed:like", args=[post.public_id])


def save_url(post: Post, *, is_saved: bool) -> str:
    """Where the save button posts to: what it does next, as `like_url`."""
    return reverse("feed:unsave" if is_saved else "feed:save", args=[post.public_id])


def hide_url(post: Post) -> str:
    """Where “not interested” posts to."""
    return reverse("feed:not-interested", args=[post.public_id])


def remix_url(post: Post, kind: str = "") -> str:
    return f"{reverse('generation:create')}?remix={post.image.public_id}" + (f"&kind={kind}" if kind else "")


def _badges(post: Post) -> list[str]:
    badges = []
    if post.challenge_place:
        badges.append(str(PLACES[post.challenge_place]))
    if post.image.content_level > ContentLevel.GENERAL:
        badges.append(str(ContentLevel(post.image.content_level).label))
    if more := post.collapsed_count:
        badges.append(ngettext("+%(n)s by this author", "+%(n)s by this author", more) % {"n": more})
    return badges
