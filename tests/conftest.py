"""What all tests share: the shipped knowledge, a day, the papers it was taken from, and no network beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import SocketBlockedError, socket_allow_hosts

from knowledge import loader
from knowledge.snapshot import Knowledge
from tests.knowledge import papers
from tests.postgres import fresh_postgres, postgres  # noqa: F401 - fixtures

CI = os.environ.get("CI") == "true"
LOCAL = ["127.0.0.1", "::1", "localhost"]
_LOOKED_UP: dict[str, set[str]] = {}
_look_up = socket.getaddrinfo

settings.register_profile("house", deadline=None, derandomize=CI, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", metavar="PAGE", help="run the fault suite in full and write its table to this page (make test-faults)")


def pytest_configure(config: pytest.Config) -> None:
    socket.getaddrinfo = _local_look_up


def pytest_unconfigure(config: pytest.Config) -> None:
    socket.getaddrinfo = _look_up


@pytest.hookimpl(trylast=True)  # after pytest-socket's own, which allows everything
def pytest_runtest_setup(item: pytest.Item) -> None:
    socket_allow_hosts(LOCAL, allow_unix_socket=True, resolution_cache=_LOOKED_UP)


def _local_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Names of this machine and plain addresses only: even asking for a name is network."""
    if host and host not in LOCAL and not _is_address(host):
        raise SocketBlockedError(f"A test tried to look up {host!r}.")
    return _look_up(host, *args, **kwargs)


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The shipped knowledge base."""
    return loader.load()


@pytest.fixture(scope="session")
def today() -> date:
    """A day on which most plan periods of the five papers are over."""
    return date(2026, 11, 22)


@pytest.fixture(scope="session")
def policies() -> Path:
    """The folder with the five papers; without it the test skips on a laptop and fails in CI."""
    missing = [name for name in papers.FILES.values() if not (papers.FOLDER / name).is_file()]
    if missing:
        reason = f"not in {papers.FOLDER}: {', '.join(missing)}"
        if CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return papers.FOLDER
