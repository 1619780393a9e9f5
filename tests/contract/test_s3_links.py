import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from minipic.domain.identifiers import make_result_id, storage_day
from minipic.domain.image import ImageFormat
from minipic.errors import ServiceUnavailable
from minipic.stores import ResultFacts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.results import S3Results
from tests.aws_stack import AwsStack
from tests.contract.account_values import NOW_MS

RESULT_ID = make_result_id(NOW_MS, bytes(14))
FACTS = ResultFacts("acct-1", ImageFormat.JPEG, 4, 3, "")


def test_a_link_opens_the_bytes_and_says_their_type(s3_results: S3Results) -> None:
    """A presigned link gives the bytes and the image's media type to whoever holds it."""
    s3_results.put(RESULT_ID, FACTS, b"bytes")
    link = s3_results.presign(RESULT_ID, 60)
    assert link is not None
    with urllib.request.urlopen(link) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"bytes", "image/jpeg")


def test_an_object_lies_in_its_days_folder(aws_stack: AwsStack, s3_results: S3Results) -> None:
    """The object's key is results, the day of the id, the id; its metadata says whose it is."""
    s3_results.put(RESULT_ID, FACTS, b"bytes")
    _, s3 = make_clients(aws_stack.region, aws_stack.endpoint_url)
    assert storage_day(RESULT_ID) == "20261122"
    stored = s3.head_object(Bucket=aws_stack.bucket_name, Key=f"results/20261122/{RESULT_ID}")
    assert stored["Metadata"]["account"] == "acct-1"


@pytest.mark.parametrize(("asked_s", "signed_s"), [(60, "60"), (86_400, "3600")])
def test_a_link_is_signed_in_the_region_for_an_hour_at_most(
    monkeypatch: pytest.MonkeyPatch, asked_s: int, signed_s: str
) -> None:
    """Links carry signature version 4 of the bucket's own region and live at most an hour."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    _, s3 = make_clients("eu-central-1")
    parts = urlsplit(S3Results(s3, "some-bucket").presign(RESULT_ID, asked_s) or "")
    query = parse_qs(parts.query)
    assert parts.scheme == "https"
    assert parts.netloc == "some-bucket.s3.eu-central-1.amazonaws.com"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "/eu-central-1/s3/aws4_request" in query["X-Amz-Credential"][0]
    assert query["X-Amz-Expires"] == [signed_s]
    assert query["X-Amz-SignedHeaders"] == ["host"]


def test_a_bucket_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is refused is 503, not a fault of ours."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    _, s3 = make_clients("eu-central-1", "http://127.0.0.1:1")
    with pytest.raises(ServiceUnavailable):
        S3Results(s3, "some-bucket").ping()


def test_a_foreign_link_opens_nothing(s3_results: S3Results) -> None:
    """A link to a result that is not there is answered with an error."""
    link = s3_results.presign(make_result_id(NOW_MS, b"x" * 14), 60)
    assert link is not None
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(link)
