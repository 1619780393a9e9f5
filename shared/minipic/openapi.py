"""The OpenAPI document of all functions together: written to http/pages/openapi.json, which the site function serves.

It is a committed file, so that a change of the interface shows in a diff, and no function has to import the others.
"""

import json
import re
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi

from minipic import __version__
from minipic.http.description import ERROR_SCHEMA, SECURITY, TINYJPG_ERROR_SCHEMA
from minipic.local import load_function, read_routes
from minipic.settings import PROJECT_FOLDER

TARGET = Path(__file__).parent / "http" / "pages" / "openapi.json"
_DESCRIPTION = """Compress PNG, JPEG, WebP, AVIF, GIF and TIFF images. Errors are JSON: `error` is a stable code,
`message` says what happened and what to do, `request_id` names the request in the log; under `/api/` they are
`success`, `message` and `errors` by field. Every authenticated answer says where the account stands:
`Compression-Count`, `Compression-Count-Remaining` and the `X-RateLimit-…` headers."""


def describe() -> dict[str, Any]:
    """Return the document."""
    functions = {route.function for route in read_routes(PROJECT_FOLDER / "template.yaml")}
    routes = [route for name in sorted(functions) for route in load_function(name).routes]
    document = get_openapi(title="MiniPic", version=__version__, description=_DESCRIPTION, routes=routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Error"] = ERROR_SCHEMA
    schemas["TinyJpgError"] = TINYJPG_ERROR_SCHEMA
    document["components"]["securitySchemes"] = SECURITY
    document["security"] = [{name: []} for name in SECURITY]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # A reader scans what an operation does, not what its function is named.
            operation["summary"] = re.split("[.:;]", operation["description"])[0].replace("\n", " ")
            operation["tags"] = [_face(path)]
            if _is_frameworks(operation):
                del operation["responses"]["422"]
    return document


def _face(path: str) -> str:
    if path.startswith("/v1/"):
        return "Native"
    return "TinyJPG-compatible" if path.startswith(("/api/", "/direct-file/")) else "Tinify-compatible"


def _is_frameworks(operation: dict[str, Any]) -> bool:
    """Tell whether the 422 is FastAPI's own, which is answered here as BadRequest."""
    content = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
    return bool(content.get("schema", {}).get("$ref", "").endswith("HTTPValidationError"))


if __name__ == "__main__":
    TARGET.write_text(json.dumps(describe(), indent=1, ensure_ascii=False) + "\n")
    print(TARGET.relative_to(PROJECT_FOLDER))
