"""New wordings of the questions: a version each, so that every answer keeps the words it was given to."""

from collections.abc import Sequence

from django.db import transaction

from ratings.models import Question


@transaction.atomic
def reword_question(*, slug: str, text: str, labels: Sequence[str]) -> Question:
    """Puts a new wording of the question `slug` in force; asks that are open keep theirs.

    `labels` go from worst to best, as many as before. Raises Question.DoesNotExist for a question that is not asked.
    """
    now = Question.objects.select_for_update().active().get(slug=slug)
    made = Question(slug=slug, version=now.version + 1, text=text, form=now.form, labels=list(labels))
    Question.objects.filter(pk=now.pk).update(is_active=False)
    made.save(force_insert=True)
    return made
