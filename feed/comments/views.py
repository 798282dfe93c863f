"""Saying something below a post, changing it, taking it back."""

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
from feed.comments.models import Comment, CommentQuerySet
from feed.posts.forms import CommentForm, show_refusal
from feed.posts.models import Post
from feed.posts.views import find_post, show_post
from feed.rates import check_member_rate
from feed.responses import for_members, says_no
from lib.errors import NotFound, Refused


@require_safe
def show(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The lasting address of a comment leads to its post, with its thread on top."""
    return redirect(_place(_comment(public_id, request.user, timezone.now())))


def _comment(public_id: str, viewer: Viewer, at: datetime) -> Comment:
    """Raises Http404 for what the viewer may not read."""
    shown = Comment.objects.visible_to(viewer, at).select_related("post", "author")
    return get_object_or_404(shown, public_id=public_id)


def _place(comment: Comment) -> str:
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
            check_member_rate(member, "comment")
            said = comments_services.post_comment(
                post=post, author=member, text=form.cleaned_data["text"], parent=answered, at=at
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect(_place(said))
    return show_post(request, post, form, at, answered)


def _answered(post: Post, public_id: str, member: User, at: datetime) -> Comment | None:
    if not public_id:
        return None
    readable = Comment.objects.filter(post=post).readable_by(member, at).select_related("author")
    found = readable.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("The comment that you answer is not there any more."))
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
            check_member_rate(member, "comment")
            comments_services.edit_comment(comment=comment, author=member, text=form.cleaned_data["text"], at=at)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect(_place(comment))
    context = {"form": form, "back_url": _place(comment)}
    return render(request, "feed/comment_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
@says_no
def delete(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Asks once, then blanks the words; a comment of a post that is gone can still be taken back."""
    at, member = timezone.now(), member_of(request)
    comment = get_object_or_404(Comment.objects.deletable_by(member).select_related("post"), public_id=public_id)
    if request.method != "POST":
        return render(request, "feed/comment_delete.html", {"comment": comment, "back_url": _place(comment)})
    comments_services.delete_comment(comment=comment, member=member, at=at)
    messages.success(request, _("The comment is deleted."))
    return redirect(f"{comment.post.get_absolute_url()}#comments")


def _own(member: User, at: datetime) -> CommentQuerySet:
    return Comment.objects.visible_to(member, at).said().filter(author=member).select_related("post")
