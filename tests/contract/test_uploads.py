import secrets
import time

import httpx2

from minipic.domain.identifiers import make_result_id
from minipic.stores import UploadForm, Uploads
from minipic.stores.local.uploads import FileUploads
from tests.contract.account_values import NOW_MS

DATA = bytes(range(256)) * 40
OWNER, ANOTHER = "acct-1", "acct-2"
BASE_URL = "http://127.0.0.1:1"


def new_id() -> str:
    return make_result_id(NOW_MS, secrets.token_bytes(14))


def offer(uploads: Uploads, upload_id: str, size_bytes: int = len(DATA)) -> UploadForm:
    return uploads.offer(upload_id, OWNER, size_bytes, 600, BASE_URL)


def post(uploads: Uploads, upload_id: str, form: UploadForm, data: bytes) -> None:
    """Post a file with the form, to the store itself or as the service's own route receives it."""
    if isinstance(uploads, FileUploads):
        expected = uploads.expected(upload_id, time.time_ns() // 1_000_000)
        assert expected is not None
        assert (expected.account_id, expected.max_bytes) == (OWNER, len(DATA))
        uploads.receive(upload_id, data)
        return
    answer = httpx2.post(form.url, data=form.fields, files={"file": ("picture.png", data)})
    assert answer.is_success


def test_what_was_posted_is_taken(uploads: Uploads) -> None:
    """A file that was posted with its form is taken byte for byte, and may be taken again."""
    upload_id = new_id()
    post(uploads, upload_id, offer(uploads, upload_id), DATA)
    assert uploads.take(upload_id, OWNER, len(DATA)) == DATA
    assert uploads.take(upload_id, OWNER, len(DATA)) == DATA


def test_an_unmet_offer_is_none(uploads: Uploads) -> None:
    """An offer that nobody met gives nothing, and neither does an id that was never offered or is none."""
    upload_id = new_id()
    offer(uploads, upload_id)
    for unmet in (upload_id, new_id(), "", "../results", "x" * 32):
        assert uploads.take(unmet, OWNER, len(DATA)) is None


def test_an_upload_is_its_accounts_own(uploads: Uploads) -> None:
    """No other account takes an upload, whatever it knows of it."""
    upload_id = new_id()
    post(uploads, upload_id, offer(uploads, upload_id), DATA)
    assert uploads.take(upload_id, ANOTHER, len(DATA)) is None
    assert uploads.take(upload_id, OWNER, len(DATA)) == DATA


def test_a_file_above_the_limit_is_not_read(uploads: Uploads) -> None:
    """What is more than the taker may have is not given; just as much is."""
    upload_id = new_id()
    post(uploads, upload_id, offer(uploads, upload_id), DATA)
    assert uploads.take(upload_id, OWNER, len(DATA) - 1) is None
    assert uploads.take(upload_id, OWNER, len(DATA)) == DATA


def test_a_form_names_where_and_what(uploads: Uploads) -> None:
    """Each offer has an address and fields of its own: a form for one id is none for another."""
    first, second = new_id(), new_id()
    forms = [offer(uploads, upload_id) for upload_id in (first, second)]
    assert all(form.url.startswith("http://127.0.0.1:") for form in forms)
    assert [form.fields["key"].endswith(upload_id) for form, upload_id in zip(forms, (first, second), strict=True)]
    assert forms[0].fields["key"] != forms[1].fields["key"]
