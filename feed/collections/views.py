"""Saving posts, and the pages of collections."""

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
from feed.collections.forms import CollectForm, CollectionForm, ShareForm
from feed.collections.models import Collection, CollectionMember, CollectionQuerySet
from feed.collections.queries import collections_with, read_posts, with_covers
from feed.lists.pages import PAGE_SIZE
from feed.members.queries import visible_members
from feed.posts.cards import card_of, picture_of
from feed.posts.models import Post
from feed.responses import button_of_a_post, came_from, for_members, render_list, says_no, toast
from lib.errors import Refused
from lib.http import add_refusal, is_htmx
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
    found = with_covers(rows.select_related("owner"), viewer, at)
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
    page = read_posts(found, viewer, at=at, cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
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
            made = collections_services.create_collection(owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused)
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
            collections_services.edit_collection(collection=found, owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused)
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
        "members": found.members.select_related("member").order_by("pk")[: collections_services.MAX_MEMBERS],
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
            collections_services.share_collection(collection=found, owner=member_of(request), **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused)
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
    messages.success(request, _("The old link no longer works. Share the new one."))
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
    messages.success(request, _("Collection deleted. The pictures themselves are still there."))
    return redirect("feed:collections")


@button_of_a_post
def save(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _save(request, public_id, is_saved=True)


@button_of_a_post
def unsave(request: HttpRequest, public_id: str) -> HttpResponseBase:
    return _save(request, public_id, is_saved=False)


def _save(request: HttpRequest, public_id: str, *, is_saved: bool) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    post = Post.objects.for_page(member, at).filter(public_id=public_id).first()
    if post is None:
        return _unsave_unseen(request, public_id, member, is_saved=is_saved)
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


def _unsave_unseen(request: HttpRequest, public_id: str, member: User, *, is_saved: bool) -> HttpResponseBase:
    """Takes a post out that the member can no longer see; nothing of the post is shown."""
    kept = Post.objects.none() if is_saved else Post.objects.filter(collection_items__added_by=member).distinct()
    collections_services.unsave_post(post=get_object_or_404(kept, public_id=public_id), member=member)
    if is_htmx(request):
        return toast(_("Removed from your collection."))
    messages.success(request, _("Removed from your collection."))
    return redirect(came_from(request, "/"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def collect(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """In which collections a post is, and a new one to put it into."""
    at, member = timezone.now(), member_of(request)
    post = get_object_or_404(Post.objects.for_page(member, at), public_id=public_id)
    rows = collections_with(post, member, at)
    form = CollectForm(request.POST or None, rows=rows)
    if request.method == "POST" and form.is_valid():
        try:
            collections_services.choose_collections(
                post=post,
                member=member,
                public_ids=form.cleaned_data["collections"],
                new_name=form.cleaned_data["name"],
                at=at,
            )
        except Refused as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("Saved."))
            return redirect(post)
    context = {"form": form, "post": post, "picture": picture_of(post, member, at, "(min-width: 720px) 360px, 100vw")}
    return render(request, "feed/collect.html", context, status=422 if form.errors else 200)
