"""What the analysis of calls finds, on a small shop made up for it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.meta.calls import Analysis, Call, missing_and_superfluous
from tests.meta.syntax import Program

SHOP = {
    "ports.py": """
        from typing import Protocol

        class Goods(Protocol):
            def take(self, name: str) -> bytes: ...
            def put(self, name: str, data: bytes) -> None: ...
            def pages(self) -> list[str]: ...

        class Orders(Protocol):
            def place(self, name: str) -> None: ...
    """,
    "services.py": """
        from dataclasses import dataclass
        from shop.ports import Goods, Orders

        @dataclass
        class Services:
            goods: Goods
            orders: Orders

        @dataclass
        class Visit:
            services: Services

            @property
            def goods(self) -> Goods:
                return self.services.goods
    """,
    "stores.py": """
        from pynamodb.models import Model

        FOLDER = "goods"

        class OrderItem(Model):
            pass

        def bind(model, client, table_name): ...

        def key_of(folder: str, name: str) -> str:
            return f"{folder}/{name}"

        def fetch(client: "S3Client", bucket_name: str, key: str):
            return client.get_object(Bucket=bucket_name, Key=key)

        def order_key(name: str):
            return {"pk": {"S": "O#" + name}, "sk": {"S": "ORDER"}}

        class S3Goods:
            def __init__(self, client: "S3Client", bucket_name: str) -> None:
                self._client = client
                self._bucket_name = bucket_name

            def take(self, name: str) -> bytes:
                return fetch(self._client, self._bucket_name, key_of(FOLDER, name))

            def put(self, name: str, data: bytes) -> None:
                self._client.put_object(Bucket=self._bucket_name, Key=f"{FOLDER}/{name}", Body=data)

            def link(self, name: str) -> str:
                return self._client.generate_presigned_url(
                    "get_object", Params={"Bucket": self._bucket_name, "Key": key_of("links", name)}
                )

            def pages(self) -> list[str]:
                return list(self._client.get_paginator("list_objects").paginate(Bucket=self._bucket_name))

        class DynamoOrders:
            def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
                self._client = client
                self._table_name = table_name
                self._model = bind(OrderItem, client, table_name)

            def place(self, name: str) -> None:
                self._model(name).save()

            def both(self, name: str) -> None:
                put = {"Put": {"TableName": self._table_name, "Item": order_key(name) | {"n": {"N": "1"}}}}
                delete = {"Delete": {"TableName": self._table_name, "Key": {"pk": {"S": "OPEN"}}}}
                self._client.transact_write_items(TransactItems=[put, delete])

            def change(self, name: str) -> None:
                arguments: dict = {"Key": order_key(name), "UpdateExpression": "SET n = 1"}
                for update in [arguments]:
                    self._client.update_item(TableName=self._table_name, **update)

            def lines(self, name: str) -> None:
                self._client.query(
                    TableName=self._table_name,
                    KeyConditionExpression=f"#pk = :pk AND {name}",
                    ExpressionAttributeValues={":pk": {"S": f"L#{name}"}},
                )
    """,
    "wiring.py": """
        from typing import NamedTuple
        from shop.ports import Goods, Orders

        class AwsSettings:
            table: str = ""
            bucket: str = ""

        class Stores(NamedTuple):
            goods: Goods
            orders: Orders

        def stores(names: AwsSettings) -> Stores:
            from shop.stores import DynamoOrders, S3Goods

            dynamodb, s3 = make_clients()
            return Stores(S3Goods(s3, names.bucket), DynamoOrders(dynamodb, names.table))
    """,
}
HEAD = """
from shop.services import Services, Visit
from shop.stores import DynamoOrders, S3Goods
from shop.wiring import AwsSettings

"""


def analysed(folder: Path, code: str) -> Analysis:
    """Return what a function of this code can come to."""
    for name, text in SHOP.items():
        path = folder / "shop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
    (folder / "app.py").write_text(HEAD + dedent(code))
    return Analysis(Program({"shop": folder / "shop", "app": folder / "app"}), "app", ("shop.wiring", "stores"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(services: Services): services.goods.take('a')", Call("s3:GetObject", "bucket", "goods/a")),
        ("def f(services: Services, name): services.goods.take(name)", Call("s3:GetObject", "bucket", "goods/*")),
        ("def f(visit: Visit): visit.goods.put(b(), b'')", Call("s3:PutObject", "bucket", "goods/*")),
        ("def f(services: Services): services.goods.pages()", Call("s3:ListObjects", "bucket", "")),
        ("def f(services: Services): services.orders.place('a')", Call("dynamodb:PutItem", "table")),
        ("def f(services: Services): run(services.orders.place, 'a')", Call("dynamodb:PutItem", "table")),
        ("def f(names: AwsSettings): S3Goods(None, names.bucket).link('a')", Call("s3:GetObject", "bucket", "links/a")),
        ("def f(s: Services):\n    goods = s.goods\n    goods.take('a')", Call("s3:GetObject", "bucket", "goods/a")),
        ("def f(c: 'LambdaClient', s): c.invoke(FunctionName=s.aws.other)", Call("lambda:InvokeFunction", "other")),
    ],
)  # fmt: skip
def test_a_call_is_found_through_ports_names_and_arguments(tmp_path: Path, code: str, expected: Call) -> None:
    """A call is found, with its resource and key, behind ports, properties, models, links, references and aliases."""
    found = analysed(tmp_path, code)
    assert (found.calls, found.unclear) == ({expected}, set())


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("both", {Call("dynamodb:PutItem", "table", "", "O#*"), Call("dynamodb:DeleteItem", "table", "", "OPEN")}),
        ("change", {Call("dynamodb:UpdateItem", "table", "", "O#*")}),
        ("lines", {Call("dynamodb:Query", "table", "", "L#*")}),
    ],
)
def test_an_items_partition_is_found(tmp_path: Path, method: str, expected: set[Call]) -> None:
    """What an item's partition begins with is known: of each write of a transaction, through names and arguments."""
    found = analysed(tmp_path, f"def f(names: AwsSettings, n): DynamoOrders(None, names.table).{method}(n)")
    assert (found.calls, found.unclear) == (expected, set())


def test_what_is_not_used_is_not_found(tmp_path: Path) -> None:
    """A class that is made, or a port that is named, calls nothing by that."""
    found = analysed(tmp_path, "def f(services: Services, names: AwsSettings): return S3Goods(None, names.bucket)")
    assert (found.calls, found.unclear) == (set(), set())


def test_what_does_not_leave_the_process_is_no_call(tmp_path: Path) -> None:
    """Calls that are only rehearsed need no permission."""
    code = """
    def f(services: Services):
        with rehearsing():
            services.goods.take("a")
    """
    assert analysed(tmp_path, code).calls == set()


@pytest.mark.parametrize(
    "code",
    [
        "def f(anything): anything.take('a')",
        "def f(anything): anything.get_item(TableName='t')",
        "def f(client: 'S3Client', bucket): client.get_object(Bucket=bucket, Key='a')",
    ],
)
def test_what_cannot_be_told_is_said(tmp_path: Path, code: str) -> None:
    """A store's method or a client's on who knows what is reported, and not passed over."""
    assert len(analysed(tmp_path, code).unclear) == 1


def test_missing_and_superfluous_permissions_are_told_apart() -> None:
    """A call without a permission is missing one, a permission without a call is superfluous."""
    get, put = ("s3:GetObject", "Bucket.Arn/a/*"), ("s3:PutObject", "Bucket.Arn/a/*")
    missing, superfluous = missing_and_superfluous({"Sell": {get}}, {"Sell": {put}})
    assert missing == {"Sell: s3:GetObject on Bucket.Arn/a/*"}
    assert superfluous == {"Sell: s3:PutObject on Bucket.Arn/a/*"}
    assert missing_and_superfluous({"Sell": {get}}, {"Sell": {get}}) == (set(), set())
