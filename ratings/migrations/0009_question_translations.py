"""The first wordings of the question bank in German, French and Spanish."""

from django.db import migrations

# By language, then question: the text, and the labels in the order of the English ones (worst to best).
TRANSLATIONS = {
    "de": {
        "lighting": ("Wie ist das Licht?", ["Verdirbt das Bild", "Schlecht", "Annehmbar", "Gut", "Ausgezeichnet"]),
        "subject": (
            "Wie gut ist das Hauptmotiv gezeichnet?",
            ["Nicht zu erkennen", "Schlecht", "Annehmbar", "Gut", "Sehr gut"],
        ),
        "background": (
            "Wie gut passt der Hintergrund zum Bild?",
            ["Verdirbt es", "Schlecht", "Annehmbar", "Gut", "Sehr gut"],
        ),
        "colour": (
            "Wie sind Farben und Kontrast?",
            ["Verderben das Bild", "Schlecht", "Annehmbar", "Gut", "Ausgezeichnet"],
        ),
        "prompt-match": (
            "Wie viel vom Prompt ist im Bild zu sehen?",
            ["Nichts", "Ein wenig", "Etwa die Hälfte", "Das meiste", "Alles"],
        ),
        "artefacts": (
            "Wie frei ist das Bild von sichtbaren Fehlern?",
            ["Voller Fehler", "Viele Fehler", "Einige Fehler", "Kaum Fehler", "Keine Fehler"],
        ),
        "overall": (
            "Wie gefällt dir das Bild insgesamt?",
            ["Gar nicht", "Ein wenig", "Ganz in Ordnung", "Gut", "Sehr gut"],
        ),
        "preference": ("Welches Bild ist besser?", ["Links", "Rechts", "Gleich gut", "Beide schlecht"]),
    },
    "fr": {
        "lighting": (
            "Comment est la lumière ?",
            ["Elle gâche l'image", "Mauvaise", "Acceptable", "Bonne", "Excellente"],
        ),
        "subject": (
            "Le sujet principal est-il bien dessiné ?",
            ["Méconnaissable", "Mal", "Passablement", "Bien", "Très bien"],
        ),
        "background": (
            "L'arrière-plan convient-il à l'image ?",
            ["Il la gâche", "Mal", "Passablement", "Bien", "Très bien"],
        ),
        "colour": (
            "Comment sont les couleurs et le contraste ?",
            ["Ils gâchent l'image", "Mauvais", "Acceptables", "Bons", "Excellents"],
        ),
        "prompt-match": (
            "Quelle part du prompt se retrouve dans l'image ?",
            ["Rien", "Un peu", "Environ la moitié", "Presque tout", "Tout"],
        ),
        "artefacts": (
            "L'image est-elle exempte de défauts visibles ?",
            ["Pleine de défauts", "Beaucoup", "Quelques-uns", "Presque aucun", "Aucun"],
        ),
        "overall": (
            "Dans l'ensemble, l'image vous plaît-elle ?",
            ["Pas du tout", "Un peu", "Assez", "Beaucoup", "Énormément"],
        ),
        "preference": ("Quelle image est la meilleure ?", ["Gauche", "Droite", "À égalité", "Mauvaises toutes deux"]),
    },
    "es": {
        "lighting": ("¿Cómo es la iluminación?", ["La estropea", "Mala", "Aceptable", "Buena", "Excelente"]),
        "subject": (
            "¿Está bien dibujado el motivo principal?",
            ["Irreconocible", "Mal", "Aceptable", "Bien", "Muy bien"],
        ),
        "background": (
            "¿Encaja el fondo con la imagen?",
            ["La estropea", "Mal", "Aceptable", "Bien", "Muy bien"],
        ),
        "colour": (
            "¿Cómo son los colores y el contraste?",
            ["La estropean", "Malos", "Aceptables", "Buenos", "Excelentes"],
        ),
        "prompt-match": (
            "¿Cuánto del prompt aparece en la imagen?",
            ["Nada", "Un poco", "Más o menos la mitad", "Casi todo", "Todo"],
        ),
        "artefacts": (
            "¿Está la imagen libre de defectos visibles?",
            ["Llena de defectos", "Muchos", "Algunos", "Casi ninguno", "Ninguno"],
        ),
        "overall": (
            "En general, ¿te gusta la imagen?",
            ["Nada", "Un poco", "No está mal", "Mucho", "Muchísimo"],
        ),
        "preference": ("¿Qué imagen es mejor?", ["Izquierda", "Derecha", "Empate", "Ambas malas"]),
    },
}


def load(apps, schema_editor):
    Question = apps.get_model("ratings", "Question")
    QuestionTranslation = apps.get_model("ratings", "QuestionTranslation")
    firsts = {question.slug: question for question in Question.objects.filter(version=1)}
    for language, wordings in TRANSLATIONS.items():
        for slug, (text, labels) in wordings.items():
            QuestionTranslation.objects.get_or_create(
                question=firsts[slug], language=language, defaults={"text": text, "labels": labels}
            )


class Migration(migrations.Migration):
    dependencies = [("ratings", "0008_policies_with_benchmarks")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
