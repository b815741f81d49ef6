"""No test reaches beyond this machine, whatever the code under test tries."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

ELSEWHERE = "192.0.2.1"  # an address that belongs to nobody (RFC 5737)
BLOCKED = (SocketBlockedError, SocketConnectBlockedError, UserWarning)  # pytest-socket warns, and warnings are errors


def test_another_machine_cannot_be_reached() -> None:
    with pytest.raises(BLOCKED, match=ELSEWHERE):
        socket.create_connection((ELSEWHERE, 80), timeout=1)


@pytest.mark.parametrize("name", ["example.com", "api.telegram.org"])
def test_a_name_is_not_even_looked_up(name: str) -> None:
    with pytest.raises(BLOCKED, match=name):
        socket.getaddrinfo(name, 443)


async def test_nor_through_asyncio() -> None:
    with pytest.raises(BLOCKED):
        await asyncio.open_connection("example.com", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_be_reached(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection((host, server.getsockname()[1]), timeout=1) as client:
        assert client.getpeername()[0] == "127.0.0.1"


def test_unix_sockets_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        assert client.getpeername() == str(tmp_path / "s")
