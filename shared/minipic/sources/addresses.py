"""Which IP addresses are public."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from AntiSSRF import IPAddressRanges  # type: ignore[import-untyped]

Address = IPv4Address | IPv6Address

_REFUSED = tuple(ip_network(block) for block in IPAddressRanges.recommended_latest)
# All that was ever handed out. Outside of it lie the forms that carry an IPv4 address (mapped, compatible, translated,
# NAT64), of which no list is complete.
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def read_address(text: str) -> Address | None:
    """Return the address that a text spells in its one usual form; None for names and for every other spelling."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Tell whether anybody on the internet may reach this address.

    Both the list and the standard library must agree: the list knows addresses that are special although registered as
    public (a cloud's internal server), the library may learn of ranges that the list does not have.
    """
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_UNICAST):
        return False
    return address.is_global and not any(address in block for block in _REFUSED)
