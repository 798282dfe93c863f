"""The count of tokens under the prompt."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import member_required
from generation.models import Checkpoint
from generation.prompts.tokens import count_prompt
from generation.validation import MAX_PROMPT


@member_required
@require_safe
def count_tokens(request: HttpRequest) -> HttpResponse:
    """A line about the length of a prompt, with the words that the checkpoint will not read."""
    slug = request.GET.get("checkpoint", "").replace("\x00", "")[:64]
    row = Checkpoint.objects.enabled().filter(slug=slug).first()
    prompt = request.GET.get("prompt", "").replace("\x00", "")[:MAX_PROMPT]
    count = None if row is None else count_prompt(prompt, location=row.source, limit=row.token_limit)
    return render(request, "generation/_tokens.html", {"count": count})
