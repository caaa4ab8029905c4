"""What a batch on this machine listens at: this machine only, and nothing there answers who has no key."""

import contextlib
import socket
import ssl

import psutil
import pytest

from reaper_aeq.batch.workers import own_workers


def listening() -> list[tuple[str, int]]:
    """Address and port of all sockets that this process and its children listen at."""
    me = psutil.Process()
    found = []
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [tuple(c.laddr) for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return found


def told(port: int, data: bytes, tls: bool = False) -> bytes:
    """What a port answers."""
    answer = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=3) as sock:
        sock.settimeout(1.5)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        sock.sendall(data)
        while piece := sock.recv(4096):
            answer += piece
    return answer


@pytest.mark.slow
def test_no_port_answers_plain_http_nor_anybody_without_the_key():
    before = set(listening())
    with own_workers(2) as crew:
        assert crew.threads() == 2 and crew.client.submit(sum, [1, 2]).result(60) == 3
        ports = set(listening()) - before
        assert len(ports) >= 3, "a scheduler and two workers listen somewhere"
        for address, port in ports:
            assert address in ("127.0.0.1", "::1"), address
            for path in ("/", "/health", "/metrics", "/status", "/json/counts.json"):
                request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
                assert b"HTTP/" not in told(port, request), f"{port}{path}"
                assert told(port, request, tls=True) == b""
        # and no page is promised
        assert not crew.client.cluster.scheduler.services
