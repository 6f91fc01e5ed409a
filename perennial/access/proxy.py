"""A proxy that authenticates people and passes their name and groups on in headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from perennial.access.grant import Grant
from perennial.errors import InputError

Values = Callable[[str], Sequence[str]]
"""All values of a header of a request, by its name in lower case."""

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True)
class Proxy:
    """user, groups: names of headers in lower case; groups is empty if there is none.

    addresses: from which requests are taken to be the proxy's. act: groups whose members may act; others may read.
    """

    user: str
    addresses: tuple[IPv4Network | IPv6Network, ...]
    groups: str = ""
    act: frozenset[str] = frozenset()

    def of(self, values: Values, client: str | None) -> Grant | None:
        """The person that the proxy names; None if the request is not the proxy's, or names nobody or several."""
        if client is None or not self._is_proxy(client):
            return None
        named = [each.strip() for each in values(self.user)]
        if len(named) != 1 or not named[0]:
            return None
        groups = {each.strip() for text in values(self.groups) for each in text.split(",")} if self.groups else set()
        return Grant(named[0], "act" if groups & self.act else "read", "proxy")

    def _is_proxy(self, client: str) -> bool:
        try:
            address = ip_address(client)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.addresses)


def proxy_of(environ: Mapping[str, str]) -> Proxy | None:
    """The proxy in the environment; None if there is none. Raises InputError with the variable and its value."""
    user = _header(environ, "PERENNIAL_PROXY_USER_HEADER")
    if not user:
        return None
    groups = _header(environ, "PERENNIAL_PROXY_GROUPS_HEADER")
    act = frozenset(each.strip() for each in environ.get("PERENNIAL_PROXY_ACT_GROUPS", "").split(",") if each.strip())
    if act and not groups:
        raise InputError(
            "PERENNIAL_PROXY_ACT_GROUPS: names groups, and no header is set that has a person's groups\n"
            "  Set PERENNIAL_PROXY_GROUPS_HEADER to its name."
        )
    return Proxy(user, _addresses(environ), groups, act)


def _header(environ: Mapping[str, str], variable: str) -> str:
    name = environ.get(variable, "").strip()
    if name and not _HEADER.fullmatch(name):
        raise InputError(
            f"{variable}: {name!r} is not the name of a header\n  Write it with letters, digits and '-', such as "
            "X-Forwarded-User."
        )
    return name.lower()


def _addresses(environ: Mapping[str, str]) -> tuple[IPv4Network | IPv6Network, ...]:
    written = [each.strip() for each in environ.get("PERENNIAL_PROXY_ADDRESSES", "").split(",") if each.strip()]
    if not written:
        raise InputError(
            "PERENNIAL_PROXY_ADDRESSES: is not set, so anybody could name any person in the proxy's header\n"
            "  Set it to the addresses of the proxy, such as 10.0.0.7 or 10.0.0.0/24, separated by commas."
        )
    networks = []
    for each in written:
        try:
            networks.append(ip_network(each))
        except ValueError as problem:
            raise InputError(
                f"PERENNIAL_PROXY_ADDRESSES: {each!r} is not an address or a network: {problem}\n"
                "  Write an address such as 10.0.0.7, or a network such as 10.0.0.0/24."
            ) from None
    return tuple(networks)
