"""Jobs as values: ids, tokens, names, and what is written down."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.image import ImageFormat, Options
from minipic.domain.jobs import (
    MAX_ID,
    File,
    Hook,
    Job,
    clean_name,
    job_from_json,
    job_of_token,
    make_job_id,
    parse_job_id,
    percent_saved,
)
from minipic.domain.keys import Environment
from minipic.errors import BadRequest
from minipic.service.signatures import make_secret, parse_secret

NOW_MS = 1_795_000_000_000
LAST_MS = 2_840_900_000_000  # January 2060
JOB = Job(
    id=make_job_id(NOW_MS, b"abc"),
    account_id="a",
    key_id="k",
    environment=Environment.TEST,
    created_ms=NOW_MS,
    name="photo.png",
    format=ImageFormat.PNG,
    options=Options(quality=80).to_json(),
    size_bytes=1000,
    estimated_bytes=500,
    original_id="o" * 32,
    secret="12" * 20,
    base_url="https://api.example.com",
)


@given(st.integers(NOW_MS, LAST_MS), st.binary(min_size=3, max_size=3), st.binary(min_size=3, max_size=3))
def test_ids_are_whole_numbers_in_order_of_time(now_ms: int, one: bytes, other: bytes) -> None:
    """Every id is below 2^53, and one of a later second is larger, whatever was drawn for it."""
    first, later = make_job_id(now_ms, one), make_job_id(now_ms + 1000, other)
    assert 0 < first < later <= MAX_ID
    assert parse_job_id(str(first)) == first


def test_ids_end() -> None:
    """A time beyond the last id is refused, not wrapped around."""
    with pytest.raises(ValueError, match="no job can have an id"):
        make_job_id(LAST_MS + 10**12, b"abc")


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "1e3", "01", str(MAX_ID + 1), "9" * 17, "１", " 5"])
def test_what_is_no_id(text: str) -> None:
    """Only the plain digits of a whole number from 1 to 2^53 - 1 are an id."""
    assert parse_job_id(text) is None


@given(st.integers(1, MAX_ID), st.binary(min_size=20, max_size=20))
def test_a_token_names_its_job_and_opens_one_file(job_id: int, secret: bytes) -> None:
    """The job is found by its token, which opens that file and not the other."""
    job = replace(JOB, id=job_id, secret=secret.hex())
    for file in File:
        token = job.token(file)
        assert job_of_token(token) == job_id
        assert [other for other in File if job.opens(other, token)] == [file]
    assert not job.opens(File.ORIGINAL, replace(job, secret="ff").token(File.ORIGINAL))


@given(st.text())
def test_any_text_as_token(text: str) -> None:
    """What is no token names no job, or one that it does not open."""
    job_id = job_of_token(text)
    assert job_id is None or not replace(JOB, id=job_id).opens(File.ORIGINAL, text)


@given(st.text())
def test_names_are_made_fit(text: str) -> None:
    """Whatever a file was called, its name has no folder, no control character, nothing that a header takes amiss."""
    name = clean_name(text)
    assert 1 <= len(name) <= 100
    assert not set(name) & set('/\\:*?"<>|\r\n\0')
    assert name.encode()
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "image_format", "kept"),
    [
        ("a.png", ImageFormat.PNG, "a.png"),
        ("a.PNG", ImageFormat.PNG, "a.PNG"),
        ("a.jpeg", ImageFormat.JPEG, "a.jpeg"),
        ("a.png", ImageFormat.JPEG, "a.jpg"),
        ("a", ImageFormat.GIF, "a.gif"),
        ("a.b.tar", ImageFormat.WEBP, "a.b.webp"),
    ],
)
def test_a_name_ends_as_what_the_file_is(name: str, image_format: ImageFormat, kept: str) -> None:
    """An ending of the file's own format stays; any other is replaced."""
    assert replace(JOB, name=name, format=image_format).file_name(File.ORIGINAL) == kept


def test_a_result_may_be_of_another_format() -> None:
    """The result is named after what came out."""
    done = JOB.completed(NOW_MS, "r" * 32, ImageFormat.WEBP, 10)
    assert (done.file_name(File.ORIGINAL), done.file_name(File.OPTIMIZED)) == ("photo.png", "photo.webp")


@pytest.mark.parametrize(
    "job",
    [
        JOB,
        JOB.begun(NOW_MS).completed(NOW_MS, "r" * 32, ImageFormat.WEBP, 10),
        replace(JOB, hook=Hook("https://example.com", "whsec_x")).failed(NOW_MS, "DecodeError", "broken"),
    ],
)
def test_what_is_written_is_read(job: Job) -> None:
    """A job is the same after it was written down."""
    assert job_from_json(job.to_json()) == job


@pytest.mark.parametrize(("before", "after", "percent"), [(3, 1, 66.67), (100, 100, 0.0), (10, 11, 0.0), (0, 0, 0.0)])
def test_percent_saved(before: int, after: int, percent: float) -> None:
    """Two decimals, and never less than nothing."""
    assert percent_saved(before, after) == percent


def test_secrets_of_webhooks() -> None:
    """A secret that was made is one that may be chosen; what is too short, too long or no base64 is not repeated."""
    made = make_secret(lambda length: bytes(range(length)))
    assert parse_secret(made) == made
    for wrong in (
        "",
        "whsec_",
        "whsec_" + "A" * 28,
        made.removeprefix("whsec_"),
        "whsec_" + "A" * 92,
        "whsec_" + "é" * 32,
    ):
        with pytest.raises(BadRequest) as refused:
            parse_secret(wrong)
        assert len(wrong) < 10 or wrong not in refused.value.message
