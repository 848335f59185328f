"""Asks a service whether it is ready, with nothing but the standard library: this runs many times during a start."""

import http.client
from urllib.parse import urlsplit

TIMEOUT_S = 5


def is_ready(url: str) -> bool:
    """Whether /health/ready at the base URL answers 200; False too when nobody answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
