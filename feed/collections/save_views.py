"""Saving one post: with one press, or into collections by name."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import member_of
from feed.collections import services as collections_services
from feed.posts.cards import card_of, picture_of
from feed.posts.forms import CollectForm, show_refusal
from feed.posts.views import find_post
from feed.rates import check_member_rate
from feed.responses import button_of_a_post, came_from, for_members, says_no
from lib.errors import Refused
from lib.http import is_htmx


@button_of_a_post
def save(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _keep(request, public_id, is_saved=True)


@button_of_a_post
def unsave(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _keep(request, public_id, is_saved=False)


def _keep(request: HttpRequest, public_id: str, *, is_saved: bool) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    check_member_rate(member, "save")
    post = find_post(public_id, member, at)
    if is_saved:
        collections_services.save_post(post=post, member=member, at=at)
    else:
        collections_services.unsave_post(post=post, member=member)
    post.is_saved = is_saved
    if is_htmx(request):
        return render(
            request, "_save.html", {"card": card_of(post, member, at), "labelled": "labelled" in request.POST}
        )
    return redirect(came_from(request, post.get_absolute_url()))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def collect(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """In which collections a post is, and a new one to put it into."""
    at, member = timezone.now(), member_of(request)
    post = find_post(public_id, member, at)
    rows = collections_services.collections_with(post, member, at)
    form = CollectForm(request.POST or None, rows=rows)
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member, "collection")
            wanted = {row for row, _has in rows if row.public_id in form.cleaned_data["collections"]}
            if form.cleaned_data["name"]:
                wanted.add(collections_services.create_collection(owner=member, name=form.cleaned_data["name"], at=at))
            for row, has_post in rows:
                if has_post and row not in wanted:
                    collections_services.unsave_post(post=post, member=member, collection=row)
            for row in wanted - {row for row, has_post in rows if has_post}:
                collections_services.save_post(post=post, member=member, collection=row, at=at)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, _("Saved."))
            return redirect(post)
    context = {"form": form, "post": post, "picture": picture_of(post, member, at, "(min-width: 720px) 360px, 100vw")}
    return render(request, "feed/collect.html", context, status=422 if form.errors else 200)
