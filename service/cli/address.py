"""Where the front door is, as this machine reaches it.

The proxy that a company's settings name (`http_proxy`) stands outside and knows no 127.0.0.1, so
whoever asks an address that is here asks without one. This file must not ask anything itself.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from service.config import Settings


def local_url(settings: Settings) -> str:
    """Where this machine reaches the front door, whatever the world calls it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    bare_ipv6 = ":" in host and not host.startswith("[")
    return f"http://{f'[{host}]' if bare_ipv6 else host}:{settings.port}"


def is_here(url: str) -> bool:
    """Whether this address can only be on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
