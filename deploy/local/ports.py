"""Ports for the local parts.

Apart because the choice has a trap: a port out of the range that the kernel gives to outgoing connections can be
taken by a client that keeps dialling a server which is down; it then even connects to itself, and the server
cannot come back to its port. So ports are taken below that range.
"""

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000
ATTEMPTS_MAX = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None) -> int:
    """The preferred port when it is free, else some other free port of 127.0.0.1."""
    if preferred is not None and is_free(preferred):
        return preferred
    for _ in range(ATTEMPTS_MAX):
        port = random.randrange(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} on 127.0.0.1")


def accepts(port: int) -> bool:
    """Whether something accepts connections on the port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
