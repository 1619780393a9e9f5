"""What a presigned form lets through: its policy, read, and the refusals of a server that checks policies."""

import base64
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import httpx2
import pytest

from minipic.domain.identifiers import make_result_id
from minipic.stores import UploadForm
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.uploads import S3Uploads
from tests.aws_stack.seaweedfs import BUCKET, CREDENTIALS, running_seaweedfs
from tests.contract.account_values import NOW_MS

SIZE_BYTES = 1000
EXPIRED_S = 2.5


def offer(uploads: S3Uploads, expires_in_s: int = 600) -> UploadForm:
    upload_id = make_result_id(NOW_MS, secrets.token_bytes(14))
    return uploads.offer(upload_id, "acct-1", SIZE_BYTES, expires_in_s, "http://unused")


def policy_of(form: UploadForm) -> dict[str, object]:
    policy: dict[str, object] = json.loads(base64.b64decode(form.fields["policy"]))
    return policy


def error_of(form: UploadForm, changes: Mapping[str, str | None], data: bytes = b"x") -> str:
    """Return the code that the server refuses the form with, its fields changed or, if None, left out."""
    fields = {name: value for name, value in {**form.fields, **changes}.items() if value is not None}
    answer = httpx2.post(form.url, data=fields, files={"file": ("picture.png", data)})
    assert answer.status_code in (400, 403)
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture(scope="module")
def strict_uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Uploads]:
    """Open a bucket on a server that checks signatures, policies and their end."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as endpoint_url:
            _, s3 = make_clients("eu-central-1", endpoint_url)
            yield S3Uploads(s3, BUCKET)


def test_a_form_fixes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key, account, encryption and size are conditions, signed by version 4 for the bucket's own host, for a while."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    _, s3 = make_clients("eu-central-1")
    before_s = int(time.time())  # the end is written in whole seconds
    form = S3Uploads(s3, "some-bucket").offer(
        make_result_id(NOW_MS, bytes(14)), "acct-1", SIZE_BYTES, 600, "http://unused"
    )
    after_s = time.time()
    key = f"uploads/20261122/{make_result_id(NOW_MS, bytes(14))}"
    assert form.url == "https://some-bucket.s3.eu-central-1.amazonaws.com/"
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    policy = policy_of(form)
    conditions = policy["conditions"]
    assert isinstance(conditions, list)
    for condition in (
        {"bucket": "some-bucket"},
        {"key": key},
        {"x-amz-meta-account": "acct-1"},
        {"x-amz-server-side-encryption": "AES256"},
        ["content-length-range", 1, SIZE_BYTES],
    ):
        assert condition in conditions
    end = datetime.strptime(str(policy["expiration"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert before_s + 600 <= end <= after_s + 600
    assert set(form.fields) >= {"key", "policy", "x-amz-signature", "x-amz-meta-account"}


def test_a_file_of_another_size_is_refused(strict_uploads: S3Uploads) -> None:
    """A byte too many is refused by the store itself, and so is an empty file."""
    form = offer(strict_uploads)
    assert error_of(form, {}, bytes(SIZE_BYTES + 1)) == "EntityTooLarge"
    assert error_of(form, {}, b"") == "EntityTooSmall"


def test_a_changed_field_is_refused(strict_uploads: S3Uploads) -> None:
    """Another key, another account, no account or no encryption are against the policy."""
    form = offer(strict_uploads)
    key = form.fields["key"]
    changes: list[dict[str, str | None]] = [
        {"key": key[:-1] + ("a" if key[-1] != "a" else "b")},
        {"key": "results/20261122/" + key[-32:]},
        {"x-amz-meta-account": "acct-2"},
        {"x-amz-meta-account": None},
        {"x-amz-server-side-encryption": None},
    ]
    assert [error_of(form, changed) for changed in changes] == ["AccessDenied"] * len(changes)


def test_a_changed_policy_is_refused(strict_uploads: S3Uploads) -> None:
    """A policy with a larger size does not carry the signature any more."""
    form = offer(strict_uploads)
    larger = json.dumps(policy_of(form)).replace(f"1, {SIZE_BYTES}]", f"1, {10 * SIZE_BYTES}]")
    assert larger != json.dumps(policy_of(form))
    assert error_of(form, {"policy": base64.b64encode(larger.encode()).decode()}) == "SignatureDoesNotMatch"


def test_an_expired_form_is_refused(strict_uploads: S3Uploads) -> None:
    """After its time a form is good for nothing."""
    form = offer(strict_uploads, expires_in_s=1)
    time.sleep(EXPIRED_S)
    assert error_of(form, {}) == "AccessDenied"


def test_a_form_as_it_was_offered_is_taken(strict_uploads: S3Uploads) -> None:
    """The form unchanged stores the file, which proves that the refusals are of what was changed."""
    upload_id = make_result_id(NOW_MS, secrets.token_bytes(14))
    form = strict_uploads.offer(upload_id, "acct-1", SIZE_BYTES, 600, "http://unused")
    answer = httpx2.post(form.url, data=form.fields, files={"file": ("picture.png", bytes(SIZE_BYTES))})
    assert answer.is_success
    assert strict_uploads.take(upload_id, "acct-1", SIZE_BYTES) == bytes(SIZE_BYTES)
