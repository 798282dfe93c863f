"""A poll by itself, voting in it, and making one."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Role
from accounts.permissions import member_of, role_required
from feed.challenges.models import Challenge
from feed.polls.models import Poll
from feed.polls.services import LONGEST_QUESTION, create_poll, view_poll, vote_in_poll
from feed.responses import came_from, for_members, says_no
from lib.errors import Refused
from lib.http import add_refusal, is_htmx
from lib.text.fields import LineField, TextField

SHOWN = 50


class PollForm(forms.Form):
    question = LineField(label=gettext_lazy("Question"), max_length=LONGEST_QUESTION)
    options = TextField(label=gettext_lazy("Options"), max_length=1000, help_text=gettext_lazy("One a line"))
    closes_at = forms.DateTimeField(
        label=gettext_lazy("Closes"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    is_of_today = forms.BooleanField(label=gettext_lazy("Show it with today's challenge"), required=False)


@require_safe
@says_no
def poll_list(request: HttpRequest) -> HttpResponseBase:
    """Open polls, then those that closed lately."""
    at = timezone.now()
    polls = Poll.objects.filter(created_at__lte=at).order_by("-closes_at", "-pk")[:SHOWN]
    return render(request, "feed/polls.html", {"polls": [view_poll(poll, request.user, at) for poll in polls]})


@require_safe
@says_no
def poll_detail(request: HttpRequest, public_id: str) -> HttpResponseBase:
    poll = get_object_or_404(Poll, public_id=public_id)
    return render(request, "feed/poll.html", {"poll": view_poll(poll, request.user, timezone.now())})


@require_POST
@for_members
@says_no
def vote(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Votes for `option` (its position); htmx gets the poll with its results."""
    poll = get_object_or_404(Poll, public_id=public_id)
    option = request.POST.get("option", "")
    if not (option.isascii() and option.isdigit() and len(option) < 4):
        raise Refused("no_option", _("Choose one of the options."))
    member = member_of(request)
    vote_in_poll(poll=poll, option=int(option), member=member)
    if is_htmx(request):
        return render(request, "feed/_poll.html", {"poll": view_poll(poll, member, timezone.now())})
    messages.success(request, _("Voted."))
    return redirect(came_from(request, poll.get_absolute_url()))


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.STAFF)
def new_poll(request: HttpRequest) -> HttpResponseBase:
    at = timezone.now()
    form = PollForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            poll = create_poll(
                question=data["question"],
                options=data["options"].split("\n"),
                closes_at=data["closes_at"],
                created_by=member_of(request),
                challenge=Challenge.objects.current(at).first() if data["is_of_today"] else None,
                at=at,
            )
        except Refused as refused:
            add_refusal(form, refused)
        else:
            messages.success(request, _("Poll opened."))
            return redirect(poll)
    return render(request, "feed/poll_new.html", {"form": form}, status=422 if form.errors else 200)
