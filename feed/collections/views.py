"""Collections: one's own, other members', what is in them, and whom they are shared with."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.collections import services as collections_services
from feed.collections.models import Collection, CollectionMember, CollectionQuerySet
from feed.lists.pages import PAGE_SIZE
from feed.members.queries import visible_members
from feed.posts.cards import card_of
from feed.posts.forms import CollectionForm, ShareForm, show_refusal
from feed.posts.models import Post
from feed.rates import check_member_rate
from feed.responses import for_members, render_list, says_no
from lib.errors import Refused
from lib.pagination import read_keyset


@require_safe
@for_members
@says_no
def own_collections(request: HttpRequest) -> HttpResponseBase:
    """One's own, the default first among the newest, and what others share by name."""
    at, member = timezone.now(), member_of(request)
    collections_services.default_collection(member=member, at=at)
    shared = CollectionMember.objects.filter(member=member).values("collection")
    rows = Collection.objects.visible_to(member, at).filter(Q(owner=member) | Q(pk__in=shared))
    return _listed(request, rows, at, {"is_own": True})


@require_safe
@says_no
def collections_of(request: HttpRequest, username: str) -> HttpResponseBase:
    """What a member shows to everybody."""
    at = timezone.now()
    member = get_object_or_404(visible_members(request.user, at), username__iexact=username)
    rows = Collection.objects.published(at).filter(owner=member)
    return _listed(request, rows, at, {"member": member, "is_own": False})


def _listed(request: HttpRequest, rows: CollectionQuerySet, at: datetime, more: dict[str, object]) -> HttpResponseBase:
    viewer = request.user
    found = collections_services.with_covers(rows.select_related("owner"), viewer, at)
    page = read_keyset(found, by="created_at", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    cover_ids = {row: row.__dict__["cover_id"] for row in page.rows}
    covers = Post.objects.listed_for(viewer, at).with_card(viewer, at).in_bulk(filter(None, cover_ids.values()))
    cards = {pk: card_of(post, viewer, at) for pk, post in covers.items()}
    collections = [(row, cards.get(pk)) for row, pk in cover_ids.items()]
    context = {"collections": collections, "next_url": f"?cursor={page.next}" if page.next else "", **more}
    return render(request, "feed/collections.html", context)


@require_safe
@says_no
def collection(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """``?key=`` is what a shared link carries."""
    at, viewer, key = timezone.now(), request.user, request.GET.get("key", "")
    found = _visible(public_id, viewer, at, key)
    page = collections_services.read_posts(found, viewer, at=at, cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    is_own = viewer.pk == found.owner_id
    query = {"key": key, "cursor": page.next or ""}
    next_url = f"{found.get_absolute_url()}?{urlencode({name: value for name, value in query.items() if value})}"
    context: dict[str, object] = {
        "collection": found,
        "is_own": is_own,
        "cards": [card_of(item.post, viewer, at) for item in page.rows],
        "next_url": next_url if page.next else "",
        "link": f"{found.get_absolute_url()}?key={found.link_key}" if is_own else "",
        "is_member": isinstance(viewer, User) and found.members.filter(member=viewer).exists(),
    }
    return render_list(request, "feed/collection.html", "feed/_page.html", context)


def _visible(public_id: str, viewer: Viewer, at: datetime, key: str = "") -> Collection:
    shown = Collection.objects.visible_to(viewer, at, key).select_related("owner")
    return get_object_or_404(shown, public_id=public_id)


def _own(request: HttpRequest, public_id: str) -> Collection:
    return get_object_or_404(Collection, public_id=public_id, owner=member_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def new_collection(request: HttpRequest) -> HttpResponseBase:
    form = CollectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member_of(request), "collection")
            made = collections_services.create_collection(owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect(made)
    context = {"form": form, "collection": None}
    return render(request, "feed/collection_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def edit_collection(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Name and visibility, the link, and the members it is shared with."""
    found = _own(request, public_id)
    form = CollectionForm(request.POST or None, initial={"name": found.name, "visibility": found.visibility})
    if request.method == "POST" and form.is_valid():
        try:
            check_member_rate(member_of(request), "collection")
            collections_services.edit_collection(collection=found, owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("feed:collection-edit", found.public_id)
    return _edit_page(request, found, form, ShareForm())


def _edit_page(request: HttpRequest, found: Collection, form: CollectionForm, share: ShareForm) -> HttpResponseBase:
    context = {
        "form": form,
        "share_form": share,
        "collection": found,
        "link": request.build_absolute_uri(f"{found.get_absolute_url()}?key={found.link_key}"),
        "members": found.members.select_related("member").order_by("pk")[: collections_services.MOST_MEMBERS],
    }
    status = 422 if form.errors or share.errors else 200
    return render(request, "feed/collection_edit.html", context, status=status)


@require_POST
@for_members
@says_no
def share(request: HttpRequest, public_id: str) -> HttpResponseBase:
    found = _own(request, public_id)
    form = ShareForm(request.POST)
    if form.is_valid():
        try:
            check_member_rate(member_of(request), "collection")
            collections_services.share_collection(collection=found, owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("feed:collection-edit", found.public_id)
    names = CollectionForm(initial={"name": found.name, "visibility": found.visibility})
    return _edit_page(request, found, names, form)


@require_POST
@for_members
@says_no
def unshare(request: HttpRequest, public_id: str, username: str) -> HttpResponseBase:
    """By the owner, or by a member who leaves."""
    me = member_of(request)
    found = get_object_or_404(
        Collection.objects.filter(Q(owner=me) | Q(members__member=me)).distinct(), public_id=public_id
    )
    member = get_object_or_404(User, username__iexact=username, shared_collections__collection=found)
    collections_services.unshare_collection(collection=found, member=member, by=me)
    return (
        redirect("feed:collection-edit", found.public_id) if found.owner_id == me.pk else redirect("feed:collections")
    )


@require_POST
@for_members
@says_no
def renew_link(request: HttpRequest, public_id: str) -> HttpResponseBase:
    found = collections_services.renew_link(collection=_own(request, public_id), owner=member_of(request))
    messages.success(request, _("The old link leads nowhere now."))
    return redirect("feed:collection-edit", found.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def delete_collection(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asks once, on a page that works without a script."""
    found = _own(request, public_id)
    if request.method != "POST":
        return render(request, "feed/collection_delete.html", {"collection": found})
    collections_services.delete_collection(collection=found, owner=member_of(request))
    messages.success(request, _("The collection is deleted. The pictures in it are where they were."))
    return redirect("feed:collections")
