"""Whether the service can do its work."""

import logging

from minipic.service import Services

log = logging.getLogger("minipic.health")


def is_healthy(services: Services) -> bool:
    """Tell whether both stores answer; why one does not is in the log."""
    try:
        services.accounts.ping()
        services.results.ping()
    except Exception:
        log.exception("a store does not answer")
        return False
    return True
