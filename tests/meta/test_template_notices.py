"""What the template lets the caretaker do for notices."""

import pytest
from functions.caretaker import app as caretaker

from minipic.stores.aws import schema
from tests.aws_stack import read_template
from tests.meta.test_template import API_FUNCTIONS, DELETE_ITEM, FUNCTIONS, QUERY, settings_of, statements


def test_the_caretaker_knows_what_is_opened() -> None:
    """Who calls webhooks knows the places that the operator opened, and the table that notices lie in."""
    settings = settings_of("Caretaker", SourceAllow="hooks.internal:8080")
    assert settings.source_allow == {"hooks.internal:8080"}
    assert settings.aws.ledger_table == "some-ledger"
    assert "webhooks" in read_template()["Parameters"]["SourceAllow"]["Description"]


def test_the_caretaker_deletes_no_line() -> None:
    """Of the ledger's table it may list and delete what is to be delivered, and nothing else."""
    (fence,) = [
        statement["Condition"]
        for statement in statements("Caretaker")
        if statement["Resource"] == {"Fn::GetAtt": "LedgerTable.Arn"}
        and {QUERY, DELETE_ITEM} & set(statement["Action"])
    ]
    assert fence == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [schema.OPEN_NOTICES]}}


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_no_request_reads_a_webhooks_secret(name: str) -> None:
    """Of the ledger's table a function that answers requests may read lines and sums alone."""
    fences = [
        statement.get("Condition")
        for statement in statements(name)
        if statement["Resource"] == {"Fn::GetAtt": "LedgerTable.Arn"}
    ]
    fence = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{schema.LEDGER_PREFIX}*"]}}
    assert fences in ([], [fence])


def test_slow_receivers_leave_time_for_the_ledgers() -> None:
    """Deliveries take at most a third of the function's time."""
    assert FUNCTIONS["Caretaker"]["Timeout"] / 3 >= caretaker.DELIVER_WITHIN_S
