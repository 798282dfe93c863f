"""What the pages of the feed share: showing refusals, toasts, and sending visitors to sign in and back."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.sign_in.intentions import Intention, remember_intention
from lib.errors import Refused
from lib.http import is_htmx, is_page_of_ours

INTENTIONS = {
    "feed:like": gettext_lazy("Like the picture"),
    "feed:save": gettext_lazy("Save the picture"),
    "feed:follow": gettext_lazy("Follow %(name)s"),
}
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def came_from(request: HttpRequest, otherwise: str) -> str:
    """The page of ours that the form was on."""
    page = request.POST.get("next") or request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    safe = is_page_of_ours(request, page)
    return page if safe and page.split("?")[0] != request.build_absolute_uri(request.path) else otherwise


def for_members(view: View[P]) -> View[P]:
    """A POST by a visitor leads to sign-in and back to the page it was on; a GET, back to itself."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if isinstance(request.user, User):
            return view(request, *args, **kwargs)
        back = request.get_full_path() if request.method == "GET" else came_from(request, "/")
        if request.method == "POST" and (words := _intended(request)):
            remember_intention(request, Intention(request.path, words))
        answer = redirect_to_login(back)
        return HttpResponse(headers={"HX-Redirect": answer.url}) if is_htmx(request) else answer

    return cast("View[P]", guarded)


def _intended(request: HttpRequest) -> str:
    """What the button says that does it after signing in; empty for a form whose fields would be lost."""
    match = request.resolver_match
    words = INTENTIONS.get(match.view_name) if match else None
    return str(words) % {"name": match.kwargs.get("username", "")} if match and words else ""


def says_no(view: View[P]) -> View[P]:
    """Shows a `Refused`: to htmx as a toast, after a POST on the page it came from, after a GET on its own page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refused as refused:
            if refused.status == 404:
                raise Http404(refused.message) from None
            return _say(request, refused)

    return cast("View[P]", guarded)


def button_of_a_post(view: Callable[[HttpRequest, str], HttpResponseBase]) -> View[[str]]:
    """A form of a card or a post: htmx gets the button in its new state, a plain form its page again."""
    signed_in = for_members(view)

    @require_http_methods(["GET", "HEAD", "POST"])
    @says_no
    @wraps(view)
    def guarded(request: HttpRequest, public_id: str) -> HttpResponseBase:
        if request.method != "POST":  # the address on its own, as a link that somebody kept
            return redirect("feed:post-detail", public_id)
        return signed_in(request, public_id)

    return guarded


def _say(request: HttpRequest, refused: Refused) -> HttpResponse:
    if is_htmx(request):
        return toast(refused.message, "error", status=refused.status)
    if request.method == "POST":
        messages.error(request, refused.message)
        return redirect(came_from(request, "/"))
    return render(request, "feed/refused.html", {"message": refused.message}, status=refused.status)


@dataclass(frozen=True)
class ToastAction:
    """A button of a toast: "post" sends `body` to `url`, "sheet" opens the form there, "link" goes there."""

    text: str
    url: str
    kind: Literal["post", "sheet", "link"] = "post"
    body: str = ""


def toast(
    text: str,
    level: str = "success",
    status: int = 204,
    *,
    actions: Iterable[ToastAction] = (),
    changed: Iterable[str] = (),
) -> HttpResponse:
    """An answer to htmx that changes nothing on the page and shows a message.

    Args:
        changed: ids of pictures that look otherwise now, wherever the page shows them.
    """
    events: dict[str, Any] = {"toast": {"text": text, "level": level, "actions": [asdict(each) for each in actions]}}
    if ids := list(changed):
        events["pictures-changed"] = {"images": ids}
    return HttpResponse(status=status, headers={"HX-Trigger": json.dumps(events), "HX-Reswap": "none"})


def cut_note() -> str:
    """Of a page that is shorter than it could be, and not the last."""
    return _("Your filters hide most posts here. There are more on the next page.")


def render_list(request: HttpRequest, page: str, fragment: str, context: dict[str, object]) -> HttpResponse:
    """The whole page, or for htmx only the part that is appended."""
    response = render(request, fragment if is_htmx(request) else page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
