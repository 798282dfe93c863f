"""For schemathesis: puts addresses of things that exist into half of the requests, so that they get past the 404."""

import json
import os
import random
from typing import Any

import schemathesis

KNOWN: dict[str, dict[str, list[str]]] = json.loads(os.environ.get("SALON_KNOWN", "{}"))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """``KNOWN`` is {first part of the path: {parameter: values}}."""
    known = KNOWN.get(context.operation.path.split("/")[2], {})
    if not path_parameters or not known or random.random() < 0.5:
        return path_parameters
    return {name: random.choice(known[name]) if name in known else value for name, value in path_parameters.items()}


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """The same for fields of a body that name something."""
    known = KNOWN.get("", {})
    if not isinstance(body, dict) or random.random() < 0.5:
        return body
    return {name: random.choice(known[name]) if name in known else value for name, value in body.items()}
