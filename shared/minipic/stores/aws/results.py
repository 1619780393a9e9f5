"""Results in S3: ``results/<yyyymmdd>/<id>``, what is known of a result as the object's metadata.

The uploads that results were made from lie in ``originals/<yyyymmdd>/<id>``, as bytes and nothing else.
"""

from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from minipic.domain.image import ImageFormat
from minipic.stores import ResultFacts, StoredResult
from minipic.stores.aws.objects import get_object, is_missing, object_key
from minipic.stores.aws.outage import as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_LINK_S = 3600  # a link dies with the credentials of the role that signed it
_RESULTS, _ORIGINALS = "results", "originals"
_PING_KEY = f"{_RESULTS}/ping"  # has no day in it: this object never exists


class S3Results:
    """The port ``Results`` on one bucket."""

    def __init__(self, client: "S3Client", bucket_name: str) -> None:
        self._client = client
        self._bucket_name = bucket_name

    @as_unavailable()
    def put(self, result_id: str, facts: ResultFacts, data: bytes) -> None:
        """Store a result; the bucket encrypts it by default."""
        self._client.put_object(
            Bucket=self._bucket_name,
            Key=object_key(_RESULTS, result_id),
            Body=data,
            ContentType=facts.format.media_type,
            Metadata=_metadata(facts),
        )

    @as_unavailable()
    def get(self, result_id: str, max_bytes: int | None = None) -> StoredResult | None:
        """Return a result by one GetObject, without its bytes if they are more than ``max_bytes``."""
        answer = get_object(self._client, self._bucket_name, object_key(_RESULTS, result_id))
        if answer is None:
            return None
        facts, size_bytes = _facts(answer["Metadata"]), answer["ContentLength"]
        with closing(answer["Body"]) as body:
            too_large = max_bytes is not None and size_bytes > max_bytes
            return StoredResult(facts, size_bytes, None if too_large else body.read())

    @as_unavailable()
    def delete(self, result_id: str) -> None:
        """Forget a result."""
        self._client.delete_object(Bucket=self._bucket_name, Key=object_key(_RESULTS, result_id))

    @as_unavailable()
    def put_original(self, original_id: str, data: bytes) -> None:
        """Store an upload; its format is found in its bytes again."""
        self._client.put_object(Bucket=self._bucket_name, Key=object_key(_ORIGINALS, original_id), Body=data)

    @as_unavailable()
    def get_original(self, original_id: str) -> bytes | None:
        """Return an upload by one GetObject, or None."""
        answer = get_object(self._client, self._bucket_name, object_key(_ORIGINALS, original_id))
        if answer is None:
            return None
        with closing(answer["Body"]) as body:
            return body.read()

    @as_unavailable()
    def delete_original(self, original_id: str) -> None:
        """Forget an upload."""
        self._client.delete_object(Bucket=self._bucket_name, Key=object_key(_ORIGINALS, original_id))

    def presign(self, result_id: str, expires_in_s: int, disposition: str = "") -> str | None:
        """Return a signed link to the object, good for ``expires_in_s`` but at most an hour."""
        said = {"ResponseContentDisposition": disposition} if disposition else {}
        return self._link(object_key(_RESULTS, result_id), expires_in_s, said)

    def presign_original(self, original_id: str, media_type: str, expires_in_s: int, disposition: str) -> str | None:
        """Return a signed link to the upload, good for ``expires_in_s`` but at most an hour."""
        said = {"ResponseContentType": media_type, "ResponseContentDisposition": disposition}
        return self._link(object_key(_ORIGINALS, original_id), expires_in_s, said)

    def _link(self, key: str, expires_in_s: int, said: dict[str, str]) -> str:
        return self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket_name, "Key": key, **said},
            ExpiresIn=min(expires_in_s, MAX_LINK_S),
        )

    @as_unavailable()
    def ping(self) -> None:
        """Return when the bucket answers."""
        try:
            self._client.head_object(Bucket=self._bucket_name, Key=_PING_KEY)
        except ClientError as error:
            if not is_missing(error):
                raise


def _metadata(facts: ResultFacts) -> dict[str, str]:
    values = {
        "account": facts.account_id,
        "format": str(facts.format),
        "width": str(facts.width),
        "height": str(facts.height),
        "link-hash": facts.link_hash,
        "original": facts.original_id,
        "options": facts.options,
        "bytes-in": str(facts.bytes_in or ""),
        "input-type": facts.input_type,
        "effort": "reduced" if facts.reduced_effort else "",
        "score": "" if facts.score is None else str(facts.score),
    }
    return {name: value for name, value in values.items() if value}  # each is a header, and none may be empty


def _facts(metadata: dict[str, str]) -> ResultFacts:
    return ResultFacts(
        account_id=metadata["account"],
        format=ImageFormat(metadata["format"]),
        width=int(metadata["width"]),
        height=int(metadata["height"]),
        link_hash=metadata.get("link-hash", ""),
        original_id=metadata.get("original", ""),
        options=metadata.get("options", ""),
        bytes_in=int(metadata.get("bytes-in", "0")),
        input_type=metadata.get("input-type", ""),
        reduced_effort="effort" in metadata,
        score=float(metadata["score"]) if "score" in metadata else None,
    )
