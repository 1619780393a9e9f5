import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.metering import LEASE_MS, Lease
from minipic.domain.repeats import Claim
from minipic.stores import Repeats
from minipic.stores.aws import schema
from minipic.stores.aws.repeats import DynamoRepeats
from minipic.stores.aws.results import S3Results
from minipic.stores.local.database import Database
from minipic.stores.local.repeats import SqliteRepeats
from tests.aws_stack import AwsStack
from tests.contract.account_values import LIVE_KEY, NOVEMBER, NOW_MS
from tests.contract.books import Books
from tests.contract.repeated_work import ROUTES, open_workshop
from tests.contract.test_dynamodb_calls import counted
from tests.contract.test_dynamodb_outages import lost_answers

THREADS = 8
DAY_MS = 86_400_000


def make_claim(key_hash: str = "", account_id: str = "acct-1") -> Claim:
    """Return a new claim, of a new key unless one is given."""
    return Claim(
        account_id=account_id,
        key_hash=key_hash or uuid4().hex,
        fingerprint="f" * 64,
        result_id="r" * 32,
        link_token="",
        lease=Lease(account_id, LIVE_KEY, uuid4().hex, NOW_MS + LEASE_MS),
        seq=7,
        month=NOVEMBER,
        expires_ms=NOW_MS + DAY_MS,
    )


def rival_of(claim: Claim) -> Claim:
    return make_claim(claim.key_hash, claim.account_id)


def test_a_claim_is_found_as_it_was_made(repeats: Repeats) -> None:
    """A free key is claimed, and the claim is found with everything in it; a key that nobody claimed is not."""
    claim = replace(make_claim(), link_token="t" * 32)
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) is None
    assert repeats.claim(claim, NOW_MS) == claim
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) == claim


def test_a_key_is_claimed_once(repeats: Repeats) -> None:
    """Whoever claims a key that is taken gets the claim that holds it, and changes nothing."""
    claim = make_claim()
    repeats.claim(claim, NOW_MS)
    assert repeats.claim(rival_of(claim), NOW_MS) == claim
    assert repeats.claim(rival_of(claim), NOW_MS, instead_of="another") == claim
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) == claim


def test_claiming_again_is_no_second_claim(repeats: Repeats) -> None:
    """The same claim made twice, as after a lost answer, holds the key."""
    claim = make_claim()
    assert repeats.claim(claim, NOW_MS) == repeats.claim(claim, NOW_MS) == claim


def test_accounts_do_not_share_keys(repeats: Repeats) -> None:
    """The same key of another account is another key."""
    claim = make_claim()
    other = make_claim(claim.key_hash, "acct-2")
    repeats.claim(claim, NOW_MS)
    assert repeats.claim(other, NOW_MS) == other
    assert repeats.find("acct-3", claim.key_hash, NOW_MS) is None


def test_a_claim_ends(repeats: Repeats) -> None:
    """From its time on a claim is not found and its key is free, done or not; a millisecond before it is neither."""
    claim = make_claim()
    repeats.claim(claim, NOW_MS)
    repeats.finish(claim)
    last_ms, rival = claim.expires_ms - 1, replace(rival_of(claim), expires_ms=claim.expires_ms + DAY_MS)
    assert repeats.claim(rival, last_ms) == repeats.find(claim.account_id, claim.key_hash, last_ms)
    assert repeats.find(claim.account_id, claim.key_hash, claim.expires_ms) is None
    assert repeats.claim(rival, claim.expires_ms) == rival


def test_a_claim_is_taken_over_by_its_lease(repeats: Repeats) -> None:
    """Who names the holder's lease takes the key over, once: the next one that names it comes too late."""
    claim = make_claim()
    repeats.claim(claim, NOW_MS)
    second, third = rival_of(claim), rival_of(claim)
    assert repeats.claim(second, NOW_MS, instead_of=claim.lease.id) == second
    assert repeats.claim(third, NOW_MS, instead_of=claim.lease.id) == second


def test_finishing_is_remembered(repeats: Repeats) -> None:
    """A claim that holds its key becomes done, however often that is said; nothing else of it changes."""
    claim = make_claim()
    repeats.claim(claim, NOW_MS)
    for _ in range(2):
        repeats.finish(claim)
        assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) == replace(claim, is_done=True)


def test_forgetting_frees_the_key(repeats: Repeats) -> None:
    """A claim that holds its key gives it back; doing so twice is no error."""
    claim = make_claim()
    repeats.claim(claim, NOW_MS)
    for _ in range(2):
        repeats.forget(claim)
        assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) is None
    repeats.finish(claim)
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) is None


def test_a_lost_key_is_left_alone(repeats: Repeats) -> None:
    """A claim that another one took over neither finishes nor frees the other's."""
    claim = make_claim()
    rival = rival_of(claim)
    repeats.claim(claim, NOW_MS)
    repeats.claim(rival, NOW_MS, instead_of=claim.lease.id)
    repeats.finish(claim)
    repeats.forget(claim)
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) == rival


@pytest.mark.parametrize("taking_over", [False, True])
def test_one_of_many_wins(repeats: Repeats, taking_over: bool) -> None:
    """Of claims made at the same moment exactly one holds the key, and all are told which."""
    first = make_claim()
    if taking_over:
        repeats.claim(first, NOW_MS)
    rivals = [rival_of(first) for _ in range(THREADS)]
    together = threading.Barrier(THREADS)

    def claim(rival: Claim) -> Claim:
        together.wait()
        return repeats.claim(rival, NOW_MS, instead_of=first.lease.id if taking_over else "")

    with ThreadPoolExecutor(THREADS) as pool:
        holders = list(pool.map(claim, rivals))
    (holder,) = {held.lease.id for held in holders}
    assert holder in {rival.lease.id for rival in rivals}


def test_ended_claims_are_swept(sqlite_database: Database) -> None:
    """Sweeping deletes the claims that have ended and no other."""
    repeats = SqliteRepeats(sqlite_database)
    claim, longer = make_claim(), replace(make_claim(), expires_ms=NOW_MS + 2 * DAY_MS)
    for made in (claim, longer):
        repeats.claim(made, NOW_MS)
    assert repeats.sweep(claim.expires_ms) >= 1
    assert repeats.sweep(claim.expires_ms) == 0
    assert repeats.find(claim.account_id, claim.key_hash, NOW_MS) is None
    assert repeats.find(longer.account_id, longer.key_hash, NOW_MS) == longer


@pytest.fixture
def dynamo_repeats(client: DynamoDBClient, aws_stack: AwsStack) -> DynamoRepeats:
    return DynamoRepeats(client, aws_stack.table_name)


def test_lost_answers_change_nothing(client: DynamoDBClient, dynamo_repeats: DynamoRepeats) -> None:
    """Each step that was carried out but never answered succeeds when it is sent again."""
    claim = make_claim()
    rival = rival_of(claim)
    with lost_answers(client, 1, claim.lease.id):
        assert dynamo_repeats.claim(claim, NOW_MS) == claim
    with lost_answers(client, 1, rival.lease.id):
        assert dynamo_repeats.claim(rival, NOW_MS, instead_of=claim.lease.id) == rival
    with lost_answers(client, 1, rival.lease.id):
        dynamo_repeats.finish(rival)
    found = dynamo_repeats.find(rival.account_id, rival.key_hash, NOW_MS)
    assert found == replace(rival, is_done=True)
    with lost_answers(client, 1, rival.lease.id):
        dynamo_repeats.forget(rival)
    assert dynamo_repeats.find(rival.account_id, rival.key_hash, NOW_MS) is None


def test_each_step_is_one_call(client: DynamoDBClient, dynamo_repeats: DynamoRepeats) -> None:
    """Claiming, finishing, finding and forgetting are one call each, whether the key is free or taken."""
    claim = make_claim()
    with counted(client) as sent:
        dynamo_repeats.claim(claim, NOW_MS)
        dynamo_repeats.claim(rival_of(claim), NOW_MS)
        dynamo_repeats.finish(claim)
        dynamo_repeats.find(claim.account_id, claim.key_hash, NOW_MS)
        dynamo_repeats.forget(claim)
    assert sent == ["PutItem", "PutItem", "UpdateItem", "GetItem", "DeleteItem"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_key_costs_two_writes(
    tmp_path: Path,
    client: DynamoDBClient,
    dynamo_books: Books,
    dynamo_repeats: DynamoRepeats,
    s3_results: S3Results,
    route: str,
) -> None:
    """A request with the header is two writes more than one without, which is what it was before there were keys."""
    workshop = open_workshop(tmp_path, dynamo_books, dynamo_repeats, s3_results)
    workshop.prepare(route)
    with counted(client) as plain:
        workshop.ask(route, key=None)
    workshop.now_ms += 1000
    with counted(client) as repeatable:
        workshop.ask(route)
    assert plain == ["UpdateItem", "UpdateItem"]
    assert repeatable == ["UpdateItem", "PutItem", "UpdateItem", "UpdateItem"]


def test_dynamodb_forgets_by_itself(client: DynamoDBClient, aws_stack: AwsStack, dynamo_repeats: DynamoRepeats) -> None:
    """A claim's item says in whole seconds when DynamoDB may delete it: not before it has ended."""
    claim = replace(make_claim(), expires_ms=NOW_MS + 1)
    dynamo_repeats.claim(claim, NOW_MS)
    key = {"pk": {"S": f"I#{claim.account_id}#{claim.key_hash}"}, "sk": {"S": "IDEM"}}
    item = client.get_item(TableName=aws_stack.table_name, Key=key)["Item"]
    assert item[schema.EXPIRES_AT] == {"N": str(NOW_MS // 1000 + 1)}
