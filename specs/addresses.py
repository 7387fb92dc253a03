"""IP addresses as venue.toml writes them."""

from __future__ import annotations

import ipaddress


def parse_ip(field: str, text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; raises a ValueError that names `field` and what is allowed."""
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{field} {text!r}; allowed: an IP address such as 127.0.0.1") from error


def check_multicast_group(field: str, text: str) -> None:
    """Raises ValueError for what is no IPv4 multicast group."""
    address = parse_ip(field, text)
    if address.version != 4 or not address.is_multicast:
        raise ValueError(f"{field} {text!r}; allowed: 224.0.0.0 to 239.255.255.255")


def is_loopback(text: str) -> bool:
    """Whether nobody outside this machine reaches the address."""
    return ipaddress.ip_address(text).is_loopback
