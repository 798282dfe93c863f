"""Questions about one aspect of a pair, where a picture is wrong and in which order pictures are, with policies that
ask them on Compare's page.

A site that has asked something keeps its policy until staff activate the new one under Research → Policies: workers of
the version before take an answer by aspect for one about the whole picture.
"""

from django.db import migrations
from django.db.models import Max

LABELS = ["Left", "Right", "Tie", "Both bad"]
QUESTIONS = {
    "lighting": "Which picture has the better lighting?",
    "subject": "In which picture is the main subject drawn better?",
    "background": "In which picture does the background suit better?",
    "colour": "Which picture has the better colours and contrast?",
    "prompt-match": "Which picture shows more of the prompt?",
    "artefacts": "Which picture has fewer visible mistakes?",
}
TRANSLATIONS = {
    "de": (
        ["Links", "Rechts", "Gleich gut", "Beide schlecht"],
        {
            "lighting": "Welches Bild hat das bessere Licht?",
            "subject": "In welchem Bild ist das Hauptmotiv besser gezeichnet?",
            "background": "In welchem Bild passt der Hintergrund besser?",
            "colour": "Welches Bild hat die besseren Farben und Kontraste?",
            "prompt-match": "Welches Bild zeigt mehr vom Prompt?",
            "artefacts": "Welches Bild hat weniger sichtbare Fehler?",
        },
    ),
    "fr": (
        ["Gauche", "Droite", "À égalité", "Mauvaises toutes deux"],
        {
            "lighting": "Quelle image a la meilleure lumière ?",
            "subject": "Dans quelle image le sujet principal est-il mieux dessiné ?",
            "background": "Dans quelle image l'arrière-plan convient-il mieux ?",
            "colour": "Quelle image a les meilleures couleurs et le meilleur contraste ?",
            "prompt-match": "Quelle image montre davantage du prompt ?",
            "artefacts": "Quelle image a le moins de défauts visibles ?",
        },
    ),
    "es": (
        ["Izquierda", "Derecha", "Empate", "Ambas malas"],
        {
            "lighting": "¿Qué imagen tiene mejor iluminación?",
            "subject": "¿En qué imagen está mejor dibujado el motivo principal?",
            "background": "¿En qué imagen encaja mejor el fondo?",
            "colour": "¿Qué imagen tiene mejores colores y contraste?",
            "prompt-match": "¿Qué imagen muestra más del prompt?",
            "artefacts": "¿Qué imagen tiene menos defectos visibles?",
        },
    ),
}

# Where a picture is wrong: the text, then its translations.
MARKS = {
    "artefacts": {
        "en": "Where is something wrong in this picture?",
        "de": "Wo stimmt in diesem Bild etwas nicht?",
        "fr": "Où y a-t-il un défaut dans cette image ?",
        "es": "¿Dónde hay algo mal en esta imagen?",
    },
    "prompt-match": {
        "en": "Where does this picture not follow its prompt?",
        "de": "Wo folgt dieses Bild seinem Prompt nicht?",
        "fr": "Où cette image ne suit-elle pas son prompt ?",
        "es": "¿Dónde no sigue esta imagen su prompt?",
    },
}

RANKING = {
    "en": "Put these pictures in order, the best first.",
    "de": "Bring diese Bilder in eine Reihenfolge, das beste zuerst.",
    "fr": "Classez ces images, la meilleure en premier.",
    "es": "Ordena estas imágenes, la mejor primero.",
}

SHARES = {"aspect": 0.2, "marks": 0.1, "ranking": 0.05}
STRATEGIES = {"model": 0.3, "seed": 0.2, "setting": 0.1, "prompt": 0.1, "challenge": 0.1, "benchmark": 0.2}
PRODUCTION = {"p_ask": {"result": 0.05, "post": 0.05, **SHARES}, "strategies": STRATEGIES, "p_gold": 0.03}
DEMO = {**PRODUCTION, "p_ask": {"result": 0.5, "post": 0.5, **SHARES}, "asks_per_day": 100, "minutes_between": 0}


def load(apps, schema_editor):
    Question = apps.get_model("ratings", "Question")
    QuestionTranslation = apps.get_model("ratings", "QuestionTranslation")
    for aspect, text in QUESTIONS.items():
        question, _is_new = Question.objects.get_or_create(
            slug=f"{aspect}-pair", version=1, defaults={"text": text, "labels": LABELS, "form": "pair"}
        )
        for language, (labels, texts) in TRANSLATIONS.items():
            QuestionTranslation.objects.get_or_create(
                question=question, language=language, defaults={"text": texts[aspect], "labels": labels}
            )


def load_without_labels(apps, schema_editor):
    Question = apps.get_model("ratings", "Question")
    QuestionTranslation = apps.get_model("ratings", "QuestionTranslation")
    found = {f"{aspect}-marks": ("marks", texts) for aspect, texts in MARKS.items()} | {"ranking": ("order", RANKING)}
    for slug, (form, texts) in found.items():
        question, _is_new = Question.objects.get_or_create(
            slug=slug, version=1, defaults={"text": texts["en"], "labels": [], "form": form}
        )
        for language in ("de", "fr", "es"):
            QuestionTranslation.objects.get_or_create(
                question=question, language=language, defaults={"text": texts[language], "labels": []}
            )


def add_policies(apps, schema_editor):
    Policy, Ask = apps.get_model("ratings", "Policy"), apps.get_model("ratings", "Ask")
    Policy.objects.get_or_create(version=8, defaults={"parameters": DEMO})
    taken = Policy.objects.filter(version=7).exists()
    version = Policy.objects.aggregate(newest=Max("version"))["newest"] + 1 if taken else 7
    new = Policy.objects.create(
        version=version, parameters=PRODUCTION, note="Pairs by aspect, marks and rankings on Compare's page"
    )
    if not Ask.objects.exists() and Policy.objects.filter(version=5, is_active=True).update(is_active=False):
        Policy.objects.filter(pk=new.pk).update(is_active=True)


class Migration(migrations.Migration):
    dependencies = [("ratings", "0015_aspects_marks_and_rankings")]
    operations = [
        migrations.RunPython(load, migrations.RunPython.noop),
        migrations.RunPython(load_without_labels, migrations.RunPython.noop),
        migrations.RunPython(add_policies, migrations.RunPython.noop),
    ]
