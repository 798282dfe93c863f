"""Which addresses of the internet a member may have us call: ordinary ones, none with a purpose of its own."""

import ipaddress

# Every entry of the IANA IPv4 Special-Purpose Address Registry, with multicast and the reserved block.
# Those that are globally reachable serve protocols, not web servers, so they are left out as well.
SPECIAL_V4 = [
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared by a provider's customers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local, and the metadata services of clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments: DS-Lite, NAT64 discovery, PCP and TURN anycast
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarking
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
]
# Only 2000::/3 is given out to networks: loopback, mapped and translated IPv4, local and multicast lie outside it.
UNICAST_V6 = "2000::/3"
# What the IANA IPv6 Special-Purpose Address Registry has inside it.
SPECIAL_V6 = [
    "2001::/23",  # protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, drone ids
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4, which wraps any IPv4 address
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
]
_V4 = [ipaddress.IPv4Network(text) for text in SPECIAL_V4]
_V6 = [ipaddress.IPv6Network(text) for text in SPECIAL_V6]
_UNICAST_V6 = ipaddress.IPv6Network(UNICAST_V6)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet; one that wraps an IPv4 address never does."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _V4)
    return ip in _UNICAST_V6 and not any(ip in network for network in _V6)
