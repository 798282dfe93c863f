"""The page in Settings that makes and revokes API tokens."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.permissions import member_of, member_required
from accounts.tokens import services
from accounts.tokens.forms import TokenForm
from lib.errors import Refused
from lib.http import UNPROCESSABLE, add_refusal


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # allauth has no types
def show_tokens(request: HttpRequest) -> HttpResponse:
    """Lists them and makes one; making one asks for the password again unless it was typed a moment ago."""
    member, plain = member_of(request), ""
    form = TokenForm(request.POST if request.method == "POST" else None, member=member)
    if form.is_valid():
        try:
            _token, plain = services.issue_token(user=member, **form.cleaned_data)
            form = TokenForm(member=member)
        except Refused as error:
            add_refusal(form, error)
    tokens = ApiToken.objects.filter(user=member).order_by("-created")
    context = {"form": form, "plain": plain, "tokens": tokens, "now": timezone.now()}
    response = render(request, "accounts/tokens.html", context, status=UNPROCESSABLE if form.is_bound else 200)
    if plain:
        response["Cache-Control"] = "no-store"  # shown once, kept nowhere
    return response


@member_required
@require_POST
def revoke_token(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        services.revoke_token(user=member_of(request), public_id=public_id)
    except Refused as error:
        raise Http404 from error
    messages.success(request, _("Token revoked."))
    return redirect("accounts:tokens")
