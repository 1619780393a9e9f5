"""Where the forms of /v1/uploads post to on one machine, with the checks that a presigned POST of S3 makes."""

from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from minipic.errors import BadRequest, NotFound, PayloadTooLarge
from minipic.http.context import ServicesDep
from minipic.stores.local.uploads import PATH, FileUploads

FORM_OVERHEAD_BYTES = 64 * 1024

router = APIRouter(include_in_schema=False)


@router.post(PATH + "/{upload_id}", status_code=204)
async def post_upload(request: Request, services: ServicesDep, upload_id: str) -> Response:
    """Take the file of a form that was offered: this id, up to this size, in time."""
    uploads = cast("FileUploads", services.uploads)
    expected = uploads.expected(upload_id, services.now_ms())
    if expected is None:
        raise NotFound("This upload form was never offered, or is out of date. Ask /v1/uploads for a new one.")
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > expected.max_bytes + FORM_OVERHEAD_BYTES:
        raise _too_large(expected.max_bytes)
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if form.get("key") != upload_id or file is None or isinstance(file, str):
            raise BadRequest("The form takes the fields as they were given, and then `file`.")
        data = await file.read()
    if not 1 <= len(data) <= expected.max_bytes:
        raise _too_large(expected.max_bytes)
    uploads.receive(upload_id, data)
    return Response(status_code=204)


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The file of this form takes 1 to {max_bytes} bytes.", max_bytes=max_bytes)
