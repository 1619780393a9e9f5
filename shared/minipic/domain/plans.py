"""The plans that are configured, and what one account may do: its plan, changed by its own overrides."""

from collections.abc import Mapping
from dataclasses import dataclass

from minipic.domain.account import Account, Overrides, Plan


@dataclass(frozen=True, slots=True)
class Plans:
    """Every plan by its name; ``free`` and ``paid`` are always among them."""

    by_name: Mapping[str, Plan]

    @property
    def free(self) -> Plan:
        """The plan of new accounts, and the limits of every sandbox key."""
        return self.by_name["free"]

    @property
    def paid(self) -> Plan:
        """The plan that buying credits makes of the free one."""
        return self.by_name["paid"]

    def named(self, name: str) -> Plan:
        """Return the plan of this name; one that is configured no longer counts as the free one."""
        return self.by_name.get(name, self.free)

    def of(self, account: Account) -> Plan:
        """Return what this account may do."""
        return self.limits(account.plan, account.overrides)

    def limits(self, plan_name: str, overrides: Overrides) -> Plan:
        """Return what an account on this plan with these overrides may do."""
        return overrides.on(self.named(plan_name))
