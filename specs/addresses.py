"""IP addresses as venue.toml writes them."""

from __future__ import annotations

import ipaddress
import re

_INTERFACE = re.compile("^[A-Za-z][A-Za-z0-9_.-]{0,14}$")
_LOOPBACK_NAMES = ("lo", "lo0")


def parse_ip(field: str, text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; raises a ValueError that names `field` and what is allowed."""
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{field} {text!r}; allowed: an IP address such as 127.0.0.1") from error


def check_multicast_group(field: str, text: str) -> None:
    """Raises ValueError for what is no multicast group."""
    if not parse_ip(field, text).is_multicast:
        raise ValueError(f"{field} {text!r}; allowed: 224.0.0.0 to 239.255.255.255, or ff00::/8")


def check_unicast(field: str, text: str) -> None:
    """Raises ValueError for what is no address of one host."""
    address = parse_ip(field, text)
    if address.is_multicast or address.is_unspecified:
        raise ValueError(f"{field} {text!r}; allowed: the address of one host")


def is_address(text: str) -> bool:
    """Whether it is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_interface(field: str, text: str) -> None:
    """Raises ValueError for what is neither an address nor could be the name of an interface."""
    if not is_address(text) and not _INTERFACE.match(text):
        raise ValueError(
            f"{field} {text!r}; allowed: an IP address such as 127.0.0.1, or a name such as eth0"
        )


def is_loopback(text: str) -> bool:
    """Whether nobody outside this machine reaches the address, or the interface of this name."""
    if is_address(text):
        return ipaddress.ip_address(text).is_loopback
    return text in _LOOPBACK_NAMES
