"""An HTTP/1.1 client for calls that come once in seconds: little code to run on cold caches, parsed by httptools."""

from ai_service.http_client.client import Call, Client
from ai_service.http_client.errors import ConnectFailed, ConnectionLost, HTTPClientError, ProtocolViolated
from ai_service.http_client.response import Response

__all__ = [
    "Call",
    "Client",
    "ConnectFailed",
    "ConnectionLost",
    "HTTPClientError",
    "ProtocolViolated",
    "Response",
]
