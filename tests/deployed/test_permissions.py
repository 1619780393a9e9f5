"""What the deployed roles may do; that it is enough is shown by the other tests, for MiniStack refuses the rest."""

import pytest

from tests.aws_stack.deployment import REGION
from tests.deployed.homes import OnAws

pytestmark = pytest.mark.parametrize("home", [pytest.param("aws", marks=pytest.mark.aws_home)], indirect=True)


def _is_allowed(home: OnAws, role: str, action: str, resource: str) -> bool:
    """Tell what IAM decides for a function's role."""
    made = home.deployment.resources
    iam = home.deployment.client("iam")
    arn = iam.get_role(RoleName=made[role])["Role"]["Arn"]
    (result,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])[
        "EvaluationResults"
    ]
    return bool(result["EvalDecision"] == "allowed")


def _results(home: OnAws) -> str:
    return f"arn:aws:s3:::{home.deployment.outputs['BucketName']}/results/20261122/a"


def _ledger(home: OnAws) -> str:
    return f"arn:aws:dynamodb:{REGION}:000000000000:table/{home.deployment.outputs['LedgerTableName']}"


def test_downloads_can_only_read(home: OnAws) -> None:
    """The output function reads results, and writes neither them nor any account."""
    table = _ledger(home).replace(home.deployment.outputs["LedgerTableName"], home.deployment.outputs["TableName"])
    assert _is_allowed(home, "OutputRole", "s3:GetObject", _results(home))
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not _is_allowed(home, "OutputRole", action, _results(home))
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        assert not _is_allowed(home, "OutputRole", action, table)


def test_downloads_invoke_derive_and_nothing_else(home: OnAws) -> None:
    """The output function may invoke the derive function's alias, and no other function."""
    aliases = {name: arn for name, arn in home.deployment.resources.items() if name.endswith("Aliaslive")}
    allowed = {name for name, arn in aliases.items() if _is_allowed(home, "OutputRole", "lambda:InvokeFunction", arn)}
    assert allowed == {"DeriveAliaslive"}
    assert len(aliases) > 8


def test_usage_reads_no_picture(home: OnAws) -> None:
    """The usage function has no way to results, originals or uploads."""
    for folder in ("results", "originals", "uploads"):
        resource = _results(home).replace("results", folder)
        assert not _is_allowed(home, "UsageRole", "s3:GetObject", resource)


@pytest.mark.parametrize("role", ["ShrinkRole", "DeriveRole", "CompressRole"])
def test_nobody_who_compresses_touches_the_ledger(home: OnAws, role: str) -> None:
    """Functions that work on pictures read the ledger, and can neither write nor delete a line."""
    assert _is_allowed(home, role, "dynamodb:GetItem", _ledger(home))
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        assert not _is_allowed(home, role, action, _ledger(home))
