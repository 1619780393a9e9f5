"""Uploads in S3: ``uploads/<yyyymmdd>/<id>``, posted by the client itself with a form that is signed for one file.

What the form fixes, S3 checks before it stores a byte: the key, the size, the encryption, and whose upload it is. The
account travels as the object's metadata, so that taking it is one GetObject and no other account's id opens it.
"""

from contextlib import closing
from typing import TYPE_CHECKING

from minipic.domain.identifiers import is_result_id
from minipic.stores import UploadForm
from minipic.stores.aws.objects import get_object, object_key
from minipic.stores.aws.outage import as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UPLOADS = "uploads"
_ACCOUNT = "account"


class S3Uploads:
    """The port ``Uploads`` on one bucket."""

    def __init__(self, client: "S3Client", bucket_name: str) -> None:
        self._client = client
        self._bucket_name = bucket_name

    def offer(self, upload_id: str, account_id: str, size_bytes: int, expires_in_s: int, base_url: str) -> UploadForm:
        """Return a presigned POST; signing asks nobody."""
        del base_url  # the file goes to S3, not through this service
        fixed = {f"x-amz-meta-{_ACCOUNT}": account_id, "x-amz-server-side-encryption": "AES256"}
        post = self._client.generate_presigned_post(
            Bucket=self._bucket_name,
            Key=object_key(_UPLOADS, upload_id),
            Fields=dict(fixed),
            Conditions=[{name: value} for name, value in fixed.items()] + [["content-length-range", 1, size_bytes]],
            ExpiresIn=expires_in_s,
        )
        return UploadForm(post["url"], post["fields"])

    @as_unavailable()
    def take(self, upload_id: str, account_id: str, max_bytes: int) -> bytes | None:
        """Return what the account uploaded under this id by one GetObject, or None."""
        if not is_result_id(upload_id):
            return None
        answer = get_object(self._client, self._bucket_name, object_key(_UPLOADS, upload_id))
        if answer is None:
            return None
        with closing(answer["Body"]) as body:
            allowed = answer["Metadata"].get(_ACCOUNT) == account_id and answer["ContentLength"] <= max_bytes
            return body.read() if allowed else None
