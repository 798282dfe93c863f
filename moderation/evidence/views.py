"""The picture of a case, for the moderators who may see the case and for nobody else."""

import io

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import Role, User
from accounts.permissions import member_of, role_required
from lib.images import open_stored
from moderation.cases.models import Case
from moderation.decisions.models import Decision
from moderation.evidence.models import Evidence
from moderation.policy import Reason

THUMBNAIL = 240  # pixels a side, at most


@role_required(Role.MODERATOR)
@require_safe
def show_picture(request: HttpRequest, public_id: str) -> HttpResponse:
    """The newest picture that the case holds; with ``?small`` a thumbnail. It asks who looks at every request."""
    moderator = member_of(request)
    case = get_object_or_404(Case.objects.open_to(moderator), public_id=public_id)
    evidence = Evidence.objects.filter(case=case).exclude(source="").order_by("-pk").first()
    if evidence is None or _is_sealed(case, moderator):
        raise Http404
    data = _read(evidence)
    response = HttpResponse(_small(data) if "small" in request.GET else data, content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _is_sealed(case: Case, moderator: User) -> bool:
    """What was removed as sexualising a minor is preserved, and nobody but staff opens it again."""
    removed = Decision.objects.filter(case=case, action=Decision.Action.REMOVE, reason=Reason.MINOR, reversed_by=None)
    return not moderator.has_role(Role.STAFF) and removed.exists()


def _read(evidence: Evidence) -> bytes:
    for name in filter(None, (evidence.file, evidence.source)):
        try:
            with default_storage.open(name) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            continue
    raise Http404


def _small(data: bytes) -> bytes:
    picture, stream = open_stored(data), io.BytesIO()
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    picture.save(stream, "PNG")
    return stream.getvalue()
