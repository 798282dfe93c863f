"""New wordings of questions."""

from collections.abc import Sequence

from django.db import transaction

from ratings.asking.questions.models import Question


@transaction.atomic
def reword_question(*, slug: str, text: str, labels: Sequence[str]) -> Question:
    """Activates a new wording of a question as a new version; open asks and old answers keep theirs.

    Args:
        labels: From worst to best, as many as before.

    Raises:
        Question.DoesNotExist: No active question has this slug.
    """
    current = Question.objects.select_for_update().active().get(slug=slug)
    new = Question(slug=slug, version=current.version + 1, text=text, form=current.form, labels=list(labels))
    Question.objects.filter(pk=current.pk).update(is_active=False)
    new.save(force_insert=True)
    return new
