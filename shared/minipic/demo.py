"""The first start on one machine: a demo account, its key printed once, and a curl line that works as it is."""

import sys
from shlex import quote

from minipic.domain.keys import Environment
from minipic.service import Services
from minipic.service.administration import create_account, create_key
from minipic.settings import PROJECT_FOLDER, Settings

SAMPLE = PROJECT_FOLDER / "docs" / "images" / "sample.jpg"


def announce(settings: Settings, services: Services) -> None:
    """Print where the service is and, when there is no account yet, a key and how to use it.

    What is printed is flushed before the port answers: whoever waits for the port finds the key.
    """
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    lines = ["", f"MiniPic on {base}   (data in {settings.data_folder})", ""]
    if any(True for _ in services.accounts.list_all()):
        lines += [
            "Keys are shown once, when they are made. For another one:",
            "  .venv/bin/minipic-admin accounts list",
            "  .venv/bin/minipic-admin keys create ACCOUNT",
        ]
    else:
        account = create_account(services, "demo", services.plans.free)
        key = create_key(services, account.id, "demo", Environment.LIVE)
        lines += [
            f"A demo account was made. Its key, shown only this once:  {key.text}",
            "",
            "Try it:",
            f"  curl --user api:{key.text} --data-binary @{quote(str(SAMPLE))} --output smaller.jpg {base}/v1/compress",
        ]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()
