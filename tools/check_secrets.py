"""Look for what must never be deployed: keys, tokens, accounts' numbers, data. Prints where it finds some.

python tools/check_secrets.py FOLDER_OR_FILE…
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Each begins with letters of its own: so a search of 100 MB takes half a second.
PATTERNS = {
    "a key of MiniPic": rb"mp_(?:live|test)_[A-Za-z0-9]{24,}",
    "a webhook's secret": rb"whsec_[A-Za-z0-9+/]{32,}",
    "a link token": rb"link=[a-z2-7]{32}\b",
    "an AWS access key": rb"A(?:KIA|SIA)[A-Z0-9]{16}\b",
    "an AWS secret key": rb"secret_access_key['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "an AWS secret key of the environment": rb"SECRET_ACCESS_KEY['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}",
    "an account's number": rb"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(?P<account>\d{12}):",
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{36}\b",
}
FILE_NAMES = re.compile(r"\.env(\..*)?|credentials|id_(rsa|ed25519)|.*\.sqlite3|.*\.(key|p12|pfx)")
# An operator's certificate and key are parameters, and their ARNs have the account's number.
ALLOWED = {"samconfig.toml": {"an account's number"}}
# The numbers that AWS's own documentation gives to accounts which are nobody's.
NOBODY = {b"123456789012", b"012345678901", b"111122223333", b"444455556666", b"000000000000"}


def files_below(path: Path) -> Iterator[Path]:
    """Yield the file, or every file of the folder."""
    yield from sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]


def secrets_in(data: bytes) -> list[str]:
    """Return which kinds of secrets the bytes hold."""
    kinds = []
    for kind, pattern in PATTERNS.items():
        found = (match.groupdict().get("account") for match in re.finditer(pattern, data))
        if any(account not in NOBODY for account in found):
            kinds.append(kind)
    return kinds


def problems_in(path: Path) -> list[str]:
    """Return what a file holds that it must not; the secret itself is not repeated."""
    named = [f"{path}: a file that holds secrets or data"] if FILE_NAMES.fullmatch(path.name) else []
    kinds = [kind for kind in secrets_in(path.read_bytes()) if kind not in ALLOWED.get(path.name, ())]
    return named + [f"{path}: holds {kind}" for kind in kinds]


def main() -> int:
    """Print what was found in the folders and files that the arguments name; return 1 when there is something."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    problems = [problem for path in paths for file in files_below(path) for problem in problems_in(file)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
