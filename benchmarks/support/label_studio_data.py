"""Label Studio's own JSON export of so many ratings, timed. Runs in the interpreter that has Label Studio, not in ours.

    path/to/label-studio/bin/python benchmarks/support/label_studio_data.py ANNOTATIONS FOLDER

The database is the PostgreSQL that POSTGRE_NAME, POSTGRE_USER, POSTGRE_PASSWORD, POSTGRE_HOST and POSTGRE_PORT name,
or SQLite in FOLDER without them. Prints one line of JSON: its version, the seconds of `label-studio export`'s work,
bytes written, and the process's peak memory in MB.
"""

import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

FORM = '<View><Image name="image" value="$image"/><Rating name="rating" toName="image" maxRating="5"/></View>'
AT_ONCE = 5_000  # rows written at a time


def main() -> None:
    annotations, folder = int(sys.argv[1]), Path(sys.argv[2]).resolve()
    _start(folder)
    from tasks.functions import export_project  # type: ignore[import-not-found]  # Label Studio's

    project = _fill(annotations)
    out = folder / "export.json"
    began = time.perf_counter()
    export_project(project, "JSON", str(out))
    seconds = time.perf_counter() - began
    assert out.read_bytes().count(b'"result"') >= annotations, "the export holds less than what was written"
    found = {
        "version": importlib.metadata.version("label-studio"),
        "seconds": round(seconds, 2),
        "bytes": out.stat().st_size,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(found))


def _start(folder: Path) -> None:
    """Label Studio's Django with an empty database of its own, and nothing sent anywhere."""
    database = "default" if "POSTGRE_NAME" in os.environ else "sqlite"
    quiet = {"SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "COLLECT_ANALYTICS": "0", "LATEST_VERSION_CHECK": "0"}
    os.environ.update(quiet, DJANGO_DB=database, LABEL_STUDIO_BASE_DATA_DIR=str(folder))
    os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
    del sys.path[0]  # this folder: what is called label_studio here is another thing
    package = importlib.util.find_spec("label_studio")
    if package is None or package.origin is None:
        raise SystemExit("This interpreter has no Label Studio: pip install label-studio, apart from Salon's packages.")
    sys.path.insert(0, str(Path(package.origin).parent))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _fill(annotations: int) -> int:
    """One rating from 1 to 5 of each of so many pictures; returns the project's id."""
    from organizations.models import Organization  # type: ignore[import-not-found]
    from projects.models import Project  # type: ignore[import-not-found]
    from tasks.models import Annotation, Task  # type: ignore[import-not-found]
    from users.models import User  # type: ignore[import-not-found]

    rater = User.objects.create(email="rater@salon.example", username="rater")
    organization = Organization.create_organization(created_by=rater, title="Salon")
    project = Project.objects.create(title="Ratings", organization=organization, created_by=rater, label_config=FORM)
    for first in range(0, annotations, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, annotations))
        tasks = Task.objects.bulk_create(
            Task(project=project, data={"image": f"/images/{n}.jpg", "prompt": f"a fox {n}"}, is_labeled=True)
            for n in numbers
        )
        Annotation.objects.bulk_create(
            Annotation(task=task, project=project, completed_by=rater, result=_result(n), result_count=1, lead_time=2.0)
            for n, task in zip(numbers, tasks, strict=True)
        )
    return int(project.pk)


def _result(n: int) -> list[dict[str, Any]]:
    value = {"rating": 1 + n % 5}
    return [{"id": f"{n:010}", "type": "rating", "from_name": "rating", "to_name": "image", "value": value}]


if __name__ == "__main__":
    main()
