"""Whether a host finds and reaches the servers that it will need."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def reach(address: str, port: int, timeout: float) -> str:
    """Try to connect to a TCP port, and return what went wrong; nothing where it was accepted.

    Args:
        address: Name or address of the server.
        port: Its TCP port.
        timeout: Seconds to wait for the connection, for each address that the name has.
    """
    try:
        socket.create_connection((address, port), timeout).close()
    except socket.gaierror as error:
        return f"the name {address} is not found ({error.strerror})"
    except TimeoutError:
        return f"port {port} of {address} does not answer within {timeout:g} s"
    except OSError as error:
        return f"port {port} of {address} is not reached ({error.strerror or error})"
    return ""


def reach_all(endpoints: Sequence[str], timeout: float) -> dict[str, str]:
    """Return what is wrong with each endpoint (`name:port`), by endpoint; all are tried at the same time.

    Raises:
        ValueError: An endpoint has no port.
    """
    parted = [endpoint.rpartition(":") for endpoint in endpoints]
    wrong = [
        endpoint
        for endpoint, (name, _colon, port) in zip(endpoints, parted, strict=True)
        if not name or not port.isdigit()
    ]
    if wrong:
        raise ValueError(f"endpoints are written name:port, these are not: {', '.join(wrong)}")
    with ThreadPoolExecutor(max_workers=max(1, len(parted))) as pool:
        said = pool.map(lambda each: reach(each[0].strip("[]"), int(each[2]), timeout), parted)
        return {endpoint: problem for endpoint, problem in zip(endpoints, said, strict=True) if problem}
