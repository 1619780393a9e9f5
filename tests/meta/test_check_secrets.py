from pathlib import Path

import pytest
from tools.check_secrets import FILE_NAMES, PATTERNS, files_below, problems_in, secrets_in

from minipic.settings import PROJECT_FOLDER

# In two parts, so that this file holds none of them.
SECRETS = {
    "a key of MiniPic": b"mp_live_" + b"a1B2" * 9,
    "a webhook's secret": b"whsec_" + b"A" * 44,
    "a link token": b"link=" + b"abcdefgh" * 4,
    "an AWS access key": b"AKIA" + b"IOSFODNN7EXAMPL3",
    "an AWS secret key": b"aws_secret_access_key = " + b"w" * 40,
    "an AWS secret key of the environment": b'"AWS_SECRET_ACCESS_KEY": "' + b"w" * 40 + b'"',
    "a private key": b"-----BEGIN RSA PRIVATE" + b" KEY-----\n" + b"M" * 64,
    "an account's number": b"arn:aws:iam::" + b"210987654321:role/x",
    "a GitHub token": b"ghp_" + b"a" * 36,
}


@pytest.mark.parametrize("kind", PATTERNS)
def test_a_secret_is_found_in_any_file(kind: str) -> None:
    """Each kind of secret is found among other bytes, text or not."""
    assert secrets_in(b"\x00name: " + SECRETS[kind] + b" \xff") == [kind]


@pytest.mark.parametrize(
    "data",
    [
        b"mp_live_ and mp_test_",
        b"whsec_",
        b"link=",
        b"arn:aws:s3:::bucket",
        b"arn:aws:iam::123456789012:role/x",
        b"AKIA",
    ],
)
def test_what_only_looks_like_one_is_none(data: bytes) -> None:
    """Beginnings, resources without an account, and the numbers of documentation are no secrets."""
    assert secrets_in(data) == []


def test_what_is_found_is_not_repeated(tmp_path: Path) -> None:
    """The report names the file and the kind, never the secret."""
    path = tmp_path / "settings.txt"
    path.write_bytes(SECRETS["a key of MiniPic"])
    assert problems_in(path) == [f"{path}: holds a key of MiniPic"]


def test_samconfig_may_name_the_account_and_nothing_else(tmp_path: Path) -> None:
    """A certificate's ARN is a parameter in samconfig.toml, and a finding in a template; a key is one in both."""
    config, template = tmp_path / "samconfig.toml", tmp_path / "template.yaml"
    for path in (config, template):
        path.write_bytes(SECRETS["an account's number"])
    assert problems_in(config) == []
    assert problems_in(template) == [f"{template}: holds an account's number"]
    config.write_bytes(SECRETS["an AWS access key"])
    assert problems_in(config) == [f"{config}: holds an AWS access key"]


@pytest.mark.parametrize("name", [".env", ".env.prod", "credentials", "id_rsa", "minipic.sqlite3", "server.key"])
def test_files_that_are_secrets_are_known_by_name(name: str, tmp_path: Path) -> None:
    """Files of variables, credentials, private keys and databases are not for a deployment."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / name).touch()
    assert [path.name for path in files_below(tmp_path) if FILE_NAMES.fullmatch(path.name)] == [name]
    assert problems_in(tmp_path / "inside" / name) == [
        f"{tmp_path / 'inside' / name}: a file that holds secrets or data"
    ]


def test_templates_and_events_hold_no_secret() -> None:
    """What describes a deployment names no account and holds no key."""
    described = [*PROJECT_FOLDER.glob("*.yaml"), PROJECT_FOLDER / "samconfig.toml", PROJECT_FOLDER / "events"]
    assert [problem for path in described for file in files_below(path) for problem in problems_in(file)] == []
