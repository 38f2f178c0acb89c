"""One POST over the web: to the address that was given and no other, and not for ever.

Errors never name the address, which is often the secret itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TIMEOUT_S = 10.0
_LATER = frozenset({408, 425, 429})
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class UnreachableError(Exception):
    """It did not work now and may later; the text says why."""


class RefusedError(Exception):
    """It will not work however often it is tried; the text says why."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send JSON. Raises `UnreachableError` or `RefusedError`.

    Plain http only to this machine: what is told, and the address, are nobody else's to read. A redirect is
    refused: it could lead anywhere.
    """
    import urllib.error  # a quarter of our start: only for whom tells
    import urllib.request

    try:
        request = urllib.request.Request(
            _sound(url),
            data=body,
            headers={"Content-Type": "application/json", "User-Agent": "tui-ft", **headers},
            method="POST",
        )
        with _opener().open(request, timeout=_TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise _by_status(error.code) from None
    except urllib.error.URLError as error:
        raise _by_reason(error.reason) from None
    except TimeoutError:
        raise UnreachableError(f"no answer within {_TIMEOUT_S:.0f} s") from None
    except OSError:
        raise UnreachableError("the connection broke") from None
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001 - http.client's own carry the address in their text
        raise RefusedError(f"the address or the answer is no good ({type(error).__name__})") from None


def _sound(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise RefusedError("its url is no address") from None
    if not host or not url.isascii() or not url.isprintable():
        raise RefusedError("its url is no address")
    if parts.scheme == "https" or (parts.scheme == "http" and host in _HERE):
        return url
    raise RefusedError("its url must begin with https://")


def _opener() -> Any:
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None  # the answer then counts as the error that it is

    return urllib.request.build_opener(NoRedirect())


def _by_status(status: int) -> Exception:
    if 300 <= status < 400:
        return RefusedError(f"it answers that it lives elsewhere now (HTTP {status})")
    if status in _LATER or status >= 500:
        return UnreachableError(f"it answers HTTP {status}")
    return RefusedError(f"it answers HTTP {status}: is the address right?")


def _by_reason(reason: object) -> Exception:
    import socket
    import ssl

    if isinstance(reason, socket.gaierror):
        return UnreachableError("its name cannot be looked up: is there a network?")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return RefusedError("its certificate is not trusted")
    if isinstance(reason, ConnectionRefusedError):
        return UnreachableError("nobody listens there")
    if isinstance(reason, TimeoutError):
        return UnreachableError(f"no answer within {_TIMEOUT_S:.0f} s")
    return UnreachableError("it cannot be reached: is there a network?")
