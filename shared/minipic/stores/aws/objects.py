"""Objects in S3 as the stores lay them out: a folder, the day of the id, the id; and one GetObject of them."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from minipic.domain.identifiers import storage_day

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# S3 says AccessDenied of a missing object to a role that may not list the bucket, and ours may not.
_MISSING = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})


def object_key(folder: str, object_id: str) -> str:
    """Return the key of the object with a well-formed id."""
    return f"{folder}/{storage_day(object_id)}/{object_id}"


def get_object(client: "S3Client", bucket_name: str, key: str) -> "GetObjectOutputTypeDef | None":
    """Return S3's answer, whose body the caller closes, or None when nothing is there."""
    try:
        return client.get_object(Bucket=bucket_name, Key=key)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def is_missing(error: ClientError) -> bool:
    """Tell whether S3 means that there is no such object."""
    return error.response["Error"]["Code"] in _MISSING
