"""Where a member's webhook may go: every range of IANA's special-purpose registries is refused."""

import socket

import pytest

from accounts.webhooks import sending
from accounts.webhooks.addresses import is_public
from lib.errors import Refused

# One address, or several, of every row of the IPv4 and IPv6 registries, and ways to wrap an address in another.
SPECIAL = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3 169.254.169.254 169.254.0.1
172.16.0.1 172.31.255.255 192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171 192.0.0.192
192.0.0.255 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::1 64:ff9b:1:ffff::a00:1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1
2001:1::2 2001:1::3 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2002:7f00:1::1
2002:808:808::1 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%eth0
febf::1 fec0::1 ff02::1 ff0e::1 4000::1 8000::1
"""
ORDINARY = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.215.14 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 191.255.0.1
192.0.1.1 192.0.3.1 192.167.1.1 198.17.255.255 198.20.0.1 223.255.255.254 2001:200::1 2606:4700::1111
2a00:1450:4001::1 2003::1 3ffe::1
"""
TABLE = [(address, False) for address in SPECIAL.split()] + [(address, True) for address in ORDINARY.split()]


@pytest.mark.parametrize(("address", "is_ordinary"), TABLE)
def test_every_special_purpose_range_is_refused_and_nothing_beside_it(
    address: str, is_ordinary: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a literal, and as what a name stands for."""
    assert is_public(address) == is_ordinary
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(socket.AF_INET, 1, 6, "", ("1.1.1.1", 443)), (family, 1, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    for url in ("https://name.example/", f"https://[{address}]/" if ":" in address else f"https://{address}/"):
        if is_ordinary:
            sending.check_address(url)
        else:
            with pytest.raises(Refused):
                sending.check_address(url)
