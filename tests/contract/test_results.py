import secrets
from dataclasses import replace

import pytest

from minipic.domain.identifiers import make_result_id
from minipic.domain.image import ImageFormat
from minipic.stores import ResultFacts, Results, StoredResult
from tests.contract.account_values import NOW_MS

FACTS = ResultFacts("acct-1", ImageFormat.WEBP, 640, 480, "ab" * 32)
DATA = bytes(range(256)) * 300


def new_id() -> str:
    return make_result_id(NOW_MS, secrets.token_bytes(14))


@pytest.mark.parametrize("data", [DATA, b"\n", b""], ids=["bytes", "newline", "empty"])
def test_what_was_put_is_got(results: Results, data: bytes) -> None:
    """A stored result comes back with its facts and exactly its bytes."""
    result_id = new_id()
    results.put(result_id, FACTS, data)
    assert results.get(result_id) == StoredResult(FACTS, len(data), data)


def test_bytes_above_the_limit_are_left_out(results: Results) -> None:
    """A result larger than what was asked for is described without its bytes; one of just that size has them."""
    result_id = new_id()
    results.put(result_id, FACTS, DATA)
    assert results.get(result_id, len(DATA) - 1) == StoredResult(FACTS, len(DATA), None)
    assert results.get(result_id, 0) == StoredResult(FACTS, len(DATA), None)
    assert results.get(result_id, len(DATA)) == StoredResult(FACTS, len(DATA), DATA)


def test_facts_may_lack_a_link(results: Results) -> None:
    """A result without a link token keeps an empty hash."""
    result_id, facts = new_id(), ResultFacts("acct-1", ImageFormat.PNG, 1, 1, "")
    results.put(result_id, facts, DATA)
    stored = results.get(result_id)
    assert stored is not None
    assert stored.facts == facts


def test_facts_name_the_original_and_the_options(results: Results) -> None:
    """A result remembers what it was made from, and how."""
    result_id = new_id()
    facts = ResultFacts("acct-1", ImageFormat.PNG, 1, 1, "", new_id(), '{"quality": "smart"}')
    results.put(result_id, facts, DATA)
    stored = results.get(result_id)
    assert stored is not None
    assert stored.facts == facts


def test_facts_say_what_the_answer_said(results: Results) -> None:
    """A result remembers what an answer tells of the work beside it, so that the answer can be given again."""
    result_id = new_id()
    facts = replace(FACTS, bytes_in=2000, input_type="image/jpeg", reduced_effort=True, score=80.25)
    results.put(result_id, facts, DATA)
    stored = results.get(result_id, 0)
    assert stored is not None
    assert stored.facts == facts


def test_an_original_is_kept_beside_the_results(results: Results) -> None:
    """An upload comes back as it was, is no result, and is forgotten alone; forgetting twice is no error."""
    original_id = new_id()
    results.put(original_id, FACTS, b"result")
    results.put_original(original_id, DATA)
    assert results.get_original(original_id) == DATA
    results.delete_original(original_id)
    results.delete_original(original_id)
    assert results.get_original(original_id) is None
    assert results.get(original_id) == StoredResult(FACTS, 6, b"result")


def test_a_missing_result_is_none(results: Results) -> None:
    """An id that nothing was stored under gives None."""
    assert results.get(new_id()) is None
    assert results.get_original(new_id()) is None


def test_a_deleted_result_is_gone(results: Results) -> None:
    """Deleting forgets one result; deleting what is gone is no error."""
    kept, deleted = new_id(), new_id()
    results.put(kept, FACTS, DATA)
    results.put(deleted, FACTS, DATA)
    results.delete(deleted)
    results.delete(deleted)
    assert results.get(deleted) is None
    assert results.get(kept) is not None


def test_ping_returns(results: Results) -> None:
    """A store that answers lets ping return."""
    results.ping()
