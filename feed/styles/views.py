"""Pages of emergent styles: those of this week, one style with its pictures and chart, and its names."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import member_of
from feed.lists.pages import PAGE_SIZE
from feed.posts.cards import card_of, picture_of
from feed.posts.models import Post
from feed.responses import for_members, render_list, says_no
from feed.search.suggestions.queries import search_url
from feed.styles import services as styles_services
from feed.styles.charts import like_chart
from feed.styles.models import EmergentStyle, StyleNameLike
from feed.styles.queries import names_of, trending_styles, weeks_of
from lib.errors import Refused
from lib.pagination import read_keyset


@require_safe
def styles(request: HttpRequest) -> HttpResponse:
    at, viewer = timezone.now(), request.user
    found = trending_styles(viewer, at)
    rows = [
        {"style": one, "pictures": [(post.get_absolute_url(), picture_of(post, viewer, at)) for post in one.examples]}
        for one in found
    ]
    return render(request, "feed/styles.html", {"rows": rows, "week": found[0].week.week if found else None})


@require_safe
@says_no
def style(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _page(request, get_object_or_404(EmergentStyle, public_id=public_id))


def _page(request: HttpRequest, found: EmergentStyle, refused: Refused | None = None, typed: str = "") -> HttpResponse:
    at, viewer = timezone.now(), request.user
    weeks = weeks_of(found)
    names = names_of([found], at).get(found.pk, [])
    posts = Post.objects.listed_for(viewer, at).with_card(viewer, at).filter(emergent__style=found)
    page = read_keyset(posts, by="published_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    liked = StyleNameLike.objects.filter(name__in=names, member=viewer.pk).values_list("name_id", flat=True)
    address = reverse("feed:style", args=[found.public_id])
    context: dict[str, object] = {
        "style": found,
        "title": names[0].name if names else found.words,
        "names": [(name, name.pk in set(liked)) for name in names],
        "search_url": search_url(f'style:"{names[0].name}"') if names and '"' not in names[0].name else "",
        "weeks": weeks,
        "chart": like_chart(weeks) if len(weeks) > 1 else None,
        "cards": [card_of(post, viewer, at) for post in page.rows],
        "next_url": f"{address}?cursor={page.next}" if page.next else "",
        "problem": (refused.fields.get("name") or [refused.message])[0] if refused else "",
        "typed": typed,
    }
    if refused:
        return render(request, "feed/style.html", context, status=422 if refused.status == 400 else refused.status)
    return render_list(request, "feed/style.html", "feed/_page.html", context)


@require_POST
@for_members
@says_no
def suggest_name(request: HttpRequest, public_id: str) -> HttpResponseBase:
    found, name = get_object_or_404(EmergentStyle, public_id=public_id), request.POST.get("name", "")
    try:
        styles_services.suggest_name(style=found, member=member_of(request), name=name)
    except Refused as refused:
        return _page(request, found, refused, name)
    return redirect("feed:style", public_id)


@require_POST
@for_members
@says_no
def like_name(request: HttpRequest, public_id: str, name_id: str) -> HttpResponseBase:
    """``unlike=1`` withdraws the like; either may be repeated."""
    found = get_object_or_404(EmergentStyle, public_id=public_id)
    change = styles_services.unlike_name if "unlike" in request.POST else styles_services.like_name
    change(style=found, name_id=name_id, member=member_of(request))
    return redirect("feed:style", public_id)
