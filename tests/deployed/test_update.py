"""What changes the home for whoever comes later, and so comes last."""

import time

import pytest
from botocore.exceptions import ClientError

from tests.deployed.asking import Client, assert_error
from tests.deployed.homes import Home, OnAws
from tests.meta.deployment import DEFAULT
from tests.pictures import photo_jpeg, tiny_png

on_aws_only = pytest.mark.parametrize("home", [pytest.param("aws", marks=pytest.mark.aws_home)], indirect=True)


def test_an_update_keeps_what_was_charged(home: Home) -> None:
    """After an update address, keys, counts and ledger are as before; its new lifetime holds for old results."""
    account = home.new_account()
    base_url = home.base_url
    with Client(home, home.new_key(account=account)) as client:
        made_s = time.time()
        shrunk = client.shrink(photo_jpeg())
        location, link = client.location(shrunk), shrunk.json()["output"]["url"]
        before = client.ledger(1)
        home.update()
        assert home.base_url == base_url
        assert client.usage()["count"] == 1
        assert client.ledger(1) == before
        time.sleep(max(0, made_s + home.updated_ttl_s + 1 - time.time()))
        for target in (location, link):
            assert_error(client.send("GET", target), 404, "OutputExpired")
        new = client.location(client.shrink(tiny_png()))
        assert client.send("GET", new).status_code == 200
        assert [line["seq"] for line in client.ledger(2)] == [1, 2]
    assert home.admin("ledger", "verify", account)["lines"] == 2


@on_aws_only
def test_an_update_publishes_versions(home: OnAws) -> None:
    """Every function has a new version of the new layers and parameters, and the alias that is called leads there."""
    functions = home.deployment.client("lambda")
    listed = functions.list_functions()["Functions"]
    assert len(listed) == len(DEFAULT.functions)
    for function in listed:
        alias = functions.get_alias(FunctionName=function["FunctionName"], Name="live")
        versions = functions.list_versions_by_function(FunctionName=function["FunctionName"])["Versions"]
        newest = max(versions[1:], key=lambda version: int(version["Version"]))  # the first is $LATEST
        assert alias["FunctionVersion"] == newest["Version"] != "1"
        assert newest["Environment"]["Variables"]["MINIPIC_RESULT_TTL"] == str(home.updated_ttl_s)


@on_aws_only
def test_a_deleted_stack_leaves_what_it_must_not_lose(home: OnAws) -> None:
    """Deleting the stack ends functions and API; accounts, ledger and pictures stay, as the template says."""
    account = home.new_account()
    with Client(home, home.new_key(account=account)) as client:
        client.shrink(tiny_png())
        client.ledger(1)
        home.deployment.delete()
        assert client.send("GET", "/healthz").status_code != 200
    assert home.deployment.client("lambda").list_functions()["Functions"] == []
    with pytest.raises(ClientError, match="does not exist"):
        home.deployment.client("cloudformation").describe_stacks(StackName="minipic-e2e")
    assert home.admin("ledger", "verify", account)["lines"] == 1
    bucket = home.deployment.outputs["BucketName"]
    assert home.deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix="results/")["KeyCount"] > 0
