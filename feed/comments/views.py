"""Writing, editing and deleting comments."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User, Viewer
from accounts.permissions import member_of
from feed.comments import services as comments_services
from feed.comments.forms import CommentForm
from feed.comments.models import Comment, CommentQuerySet
from feed.posts.models import Post
from feed.posts.views import find_post, show_post
from feed.responses import for_members, says_no
from lib.errors import NotFound, Refused
from lib.http import add_refusal


@require_safe
def show(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The lasting address of a comment leads to its post, with its thread on top."""
    return redirect(_url_of(_comment(public_id, request.user, timezone.now())))


def _comment(public_id: str, viewer: Viewer, at: datetime) -> Comment:
    """Raises Http404 for what the viewer may not read."""
    shown = Comment.objects.visible_to(viewer, at).select_related("post", "author")
    return get_object_or_404(shown, public_id=public_id)


def _url_of(comment: Comment) -> str:
    return f"{comment.post.get_absolute_url()}?comment={comment.public_id}#c-{comment.public_id}"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def post_comment(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """``parent`` is the id of the comment that is answered; what was typed is kept when something is wrong."""
    at, member = timezone.now(), member_of(request)
    post = find_post(public_id, member, at)
    if request.method != "POST":
        return redirect(f"{post.get_absolute_url()}#comments")
    form = CommentForm(request.POST)
    answered = _answered(post, request.POST.get("parent", ""), member, at)
    if form.is_valid():
        try:
            comment = comments_services.post_comment(
                post=post, author=member, text=form.cleaned_data["text"], parent=answered, at=at
            )
        except Refused as refused:
            add_refusal(form, refused)
        else:
            return redirect(_url_of(comment))
    return show_post(request, post, form, at, answered)


def _answered(post: Post, public_id: str, member: User, at: datetime) -> Comment | None:
    if not public_id:
        return None
    readable = Comment.objects.filter(post=post).readable_by(member, at).select_related("author")
    found = readable.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("The comment you are answering no longer exists."))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def edit(request: HttpRequest, public_id: str) -> HttpResponseBase:
    at, member = timezone.now(), member_of(request)
    comment = get_object_or_404(_own(member, at), public_id=public_id)
    form = CommentForm(request.POST or None, initial={"text": comment.text})
    if request.method == "POST" and form.is_valid():
        try:
            comments_services.edit_comment(comment=comment, author=member, text=form.cleaned_data["text"], at=at)
        except Refused as refused:
            add_refusal(form, refused)
        else:
            return redirect(_url_of(comment))
    context = {"form": form, "back_url": _url_of(comment)}
    return render(request, "feed/comment_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def delete(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asks once, then deletes; also a comment below a post that is no longer shown."""
    at, member = timezone.now(), member_of(request)
    comment = get_object_or_404(Comment.objects.deletable_by(member).select_related("post"), public_id=public_id)
    if request.method != "POST":
        return render(request, "feed/comment_delete.html", {"comment": comment, "back_url": _url_of(comment)})
    comments_services.delete_comment(comment=comment, member=member, at=at)
    messages.success(request, _("Comment deleted."))
    return redirect(f"{comment.post.get_absolute_url()}#comments")


def _own(member: User, at: datetime) -> CommentQuerySet:
    return Comment.objects.visible_to(member, at).published().filter(author=member).select_related("post")
