"""How the service takes its port on one machine."""

import socket
from contextlib import closing
from dataclasses import replace

import pytest

from minipic.local import bound_port, check_names
from minipic.settings import AwsSettings, SettingError, Settings, StoreKind


def test_port_is_taken_but_answers_nobody_yet() -> None:
    """The port is held before anybody is told of it, and answers only when the service is up."""
    with closing(bound_port(Settings(port=0))) as port:
        address = port.getsockname()
        with closing(socket.socket()) as client:
            assert client.connect_ex(address) != 0


def test_taken_port() -> None:
    """A port that is taken is an error that names it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {number} on 127.0.0.1: Address already in use"):
            bound_port(Settings(port=number))


def test_sixth_version() -> None:
    """An IPv6 address is a host like any other."""
    with closing(bound_port(Settings(host="::1", port=0))) as port:
        assert port.family is socket.AF_INET6


def test_stores_on_aws_need_their_names() -> None:
    """With MINIPIC_STORE=aws each name that is missing is said; with the local store there are none to give."""
    aws = AwsSettings("eu-central-1", table="t", ledger_table="l", jobs_table="j", jobs_queue="q", bucket="b")
    check_names(Settings(store=StoreKind.AWS, aws=aws))
    check_names(Settings())
    with pytest.raises(SettingError, match="MINIPIC_STORE=aws needs AWS_REGION, MINIPIC_BUCKET"):
        check_names(Settings(store=StoreKind.AWS, aws=replace(aws, region="", bucket="")))
