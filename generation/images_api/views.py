"""The OpenAI images API, so that existing clients draw through Salon's queue with all its rules.

``POST /v1/images/generations`` takes OpenAI's fields and, beside them, `seed`, `num_inference_steps`,
`guidance_scale` and `negative_prompt`, as other servers of open models do. The answer waits until the pictures are
drawn and checked. Reference: https://platform.openai.com/docs/api-reference/images/create
"""

import asyncio
import base64
import secrets
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from generation import services
from generation.media import signing, storage
from generation.models import PENDING, Checkpoint, Generation, Image, ImageState
from generation.parameters import Wanted
from generation.requests.waiting import cancel_generation
from lib.errors import Refused
from lib.text.fields import ApiLine, ApiNumber, ApiText
from lib.text.regex import compile_linear

WAIT_SECONDS = 570  # the client of OpenAI waits for 600
LOOK_EVERY = 0.5
_SIZE = compile_linear("([0-9]{1,5})x([0-9]{1,5})")
_RETRIED = {408, 409, 429}  # the client sends such a request again by itself


class ImagesRequestSerializer(serializers.Serializer[Any]):
    """What is left out is the checkpoint's default."""

    prompt = ApiText(trim_whitespace=False, allow_blank=True)
    model = ApiLine(allow_null=True, allow_blank=True, default=None, help_text="Slug of a checkpoint")
    n = serializers.IntegerField(allow_null=True, default=1)
    size = ApiLine(allow_null=True, default=None, help_text="Such as 1024x1024, or auto")
    response_format = serializers.ChoiceField(["b64_json", "url"], allow_null=True, default="b64_json")
    negative_prompt = ApiText(allow_null=True, allow_blank=True, default="")
    seed = serializers.IntegerField(allow_null=True, default=None)
    num_inference_steps = serializers.IntegerField(allow_null=True, default=None)
    guidance_scale = ApiNumber(allow_null=True, default=None)


class SubmitView(APIView):
    """Takes a request; `generate_images` waits for its pictures."""

    token_scope = Scope.GENERATE
    permission_classes = [IsAuthenticated]

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Queues the pictures, as the Create page does."""
        asked = ImagesRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        made = services.submit_generation(
            author=member_of(request),
            idempotency_key=request.headers.get("Idempotency-Key") or secrets.token_urlsafe(24),
            **_wanted(values),
        )
        return Response({"generation": made.pk, "as_url": values["response_format"] == "url"})


def _wanted(values: dict[str, Any]) -> Wanted:
    size = values["size"] or "auto"
    match = _SIZE.fullmatch(size)
    if match is None and size != "auto":
        message = _("Give the size as 1024x1024, or auto.")
        raise Refused("invalid", message, fields={"size": [message]})
    first = Checkpoint.objects.enabled().order_by("pk").values_list("slug", flat=True).first()
    return {
        "prompt": values["prompt"],
        "negative_prompt": values["negative_prompt"] or "",
        "checkpoint": values["model"] or first or "",
        "count": 1 if values["n"] is None else values["n"],
        "seed": values["seed"],
        "steps": values["num_inference_steps"],
        "guidance": values["guidance_scale"],
        "width": int(match[1]) if match else None,
        "height": int(match[2]) if match else None,
    }


class ModelsView(APIView):
    token_scope = Scope.READ
    permission_classes = [IsAuthenticated]

    @extend_schema(exclude=True)
    def get(self, request: Request, slug: str = "") -> Response:
        """The checkpoints, or one of them, as OpenAI lists its models."""
        rows = Checkpoint.objects.enabled().order_by("pk")
        models = [
            {"id": row.slug, "object": "model", "created": int(row.created_at.timestamp()), "owned_by": "salon"}
            for row in (rows.filter(slug=slug) if slug else rows)
        ]
        if slug:
            return Response(models[0]) if models else _error(404, "model_not_found", "There is no such model.")
        return Response({"object": "list", "data": models})


def _error(status: int, code: str, message: str) -> Response:
    return Response(error_body(status, code, message), status=status)


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@csrf_exempt  # a token is needed below; a session's cookie is checked for CSRF by its own authentication
async def generate_images(request: HttpRequest) -> HttpResponseBase:
    """Queues pictures and answers when the last is drawn and checked; whoever disconnects cancels what waits."""
    answer: Any = await sync_to_async(_submitted)(request)
    if answer.status_code != 200:
        return _translated(answer)
    generation_id, as_url = answer.data["generation"], answer.data["as_url"]
    ends = asyncio.get_running_loop().time() + WAIT_SECONDS
    try:
        while await sync_to_async(_is_pending)(generation_id):
            if asyncio.get_running_loop().time() > ends:
                await sync_to_async(_cancel)(generation_id)
                message = _("The queue is long: your pictures were not drawn in time and are cancelled.")
                return JsonResponse(error_body(503, "timeout", message), status=503)
            await asyncio.sleep(LOOK_EVERY)
    except asyncio.CancelledError:
        await asyncio.shield(sync_to_async(_cancel)(generation_id))
        raise
    return await sync_to_async(_answer)(generation_id, as_url)


def _release_connections() -> None:
    """Gives the thread's connections back while the view waits; `close_old_connections` would break a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _submitted(request: HttpRequest) -> Any:
    try:
        return SubmitView.as_view()(request)
    finally:
        _release_connections()


def _translated(answer: Any) -> JsonResponse:
    """An answer of our API in OpenAI's form; what a client would send again although it cannot succeed is a 400."""
    data = answer.data if isinstance(answer.data, dict) else {}
    code = str(data.get("code", "error"))
    message = str(data.get("message") or data.get("detail") or data)
    status = 400 if answer.status_code in _RETRIED and code != "too_many" else answer.status_code
    response = JsonResponse(error_body(status, code, message), status=status)
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in answer.headers:
            response[name] = answer.headers[name]
    return response


def _is_pending(generation_id: int) -> bool:
    try:
        return Image.objects.filter(generation_id=generation_id, state__in=PENDING).exists()
    finally:
        _release_connections()


def _cancel(generation_id: int) -> None:
    try:
        generation = Generation.objects.select_related("author").get(pk=generation_id)
        author: User = generation.author
        cancel_generation(generation=generation, author=author)
    except Refused:
        pass  # the last picture was ready in this moment
    finally:
        _release_connections()


def _answer(generation_id: int, as_url: bool) -> JsonResponse:
    """The pictures that are ready; held, removed and failed ones are left out, and an error where none is left."""
    try:
        rows = Image.objects.filter(generation_id=generation_id).select_related("author")
        images = list(rows.order_by("position"))
        ready = [image for image in images if image.state == ImageState.READY]
        if not ready:
            is_refused = any(image.state in (ImageState.HELD, ImageState.REJECTED) for image in images)
            status, code = (400, "content_policy_violation") if is_refused else (500, "server_error")
            return JsonResponse(error_body(status, code, images[0].message()), status=status)
        data = [{"url": _url(image)} if as_url else {"b64_json": _bytes(image)} for image in ready]
        return JsonResponse({"created": int(timezone.now().timestamp()), "data": data})
    finally:
        _release_connections()


def _bytes(image: Image) -> str:
    return base64.b64encode(storage.original_png(image)).decode()


def _url(image: Image) -> str:
    return settings.SITE_URL + signing.original_url(image, viewer_may_sign=True, viewer=image.author)
