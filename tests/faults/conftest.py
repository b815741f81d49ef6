"""What the fault suite shares: sizes (short in `make test`, full in `make test-faults`), and the table of promised against measured figures."""

from __future__ import annotations

import inspect
import os
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

_HEAD = """# What goes wrong, and what then / 出了故障会怎样

Every row is a test that makes the fault happen to the real program or its real parts, on this machine alone, and fails where the promise is
not kept. `make test` runs a short version of each; `make test-faults` runs them in full and writes this page.

每一行都是一项测试：真的让故障发生，承诺没有做到，测试就不通过。本页由 `make test-faults` 写成。
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A promise and what was measured."""

    fault: str
    promised: str
    measured: str


Measured = Callable[[str, str, str], None]
ROWS = pytest.StashKey[dict[str, tuple[str, list[Row]]]]()


@dataclass(frozen=True, slots=True)
class Scale:
    """How big a run is: `scale(8, 1000)` is 8 in `make test` and 1,000 in `make test-faults`."""

    full: bool

    def __call__(self, short: int, full: int) -> int:
        return full if self.full else short


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few chats of this machine say here what a province says in a day: the programs that are started count nobody's messages."""
    monkeypatch.setenv("LIMITS", "off")
    monkeypatch.setenv("TELEGRAM_LOCAL", "on")  # the same talk on every channel


@pytest.fixture
def scale(pytestconfig: pytest.Config) -> Scale:
    """The size of this run."""
    return Scale(bool(pytestconfig.getoption("--faults")))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Call it with (what was made to go wrong, what is promised, what was measured), after the promise was asserted."""
    title = (inspect.getdoc(request.module) or request.module.__name__).split("\n")[0].rstrip(".")
    _, rows = request.config.stash.setdefault(ROWS, {}).setdefault(request.path.name, (title, []))
    return lambda fault, promised, figure: rows.append(Row(fault, promised, figure))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember which module did not pass whole: a table with holes is not written."""
    name = report.nodeid.partition("::")[0]
    if not report.passed and "tests/faults/" in name:
        _BROKEN.add(Path(name).name)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember which module did not run whole."""
    _BROKEN.update(item.path.name for item in items)


_BROKEN: set[str] = set()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table of each module that kept every promise; what did not run now stays as it was measured before."""
    path, rows = session.config.getoption("--faults"), session.config.stash.get(ROWS, {})
    if not path:
        return
    page = Path(path)
    sections = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    for module, (title, found) in rows.items():
        if module not in _BROKEN:
            lines = [f"## {title}", "", "| what goes wrong | promised | measured |", "|---|---|---|"]
            lines += [f"| {row.fault} | {row.promised} | {row.measured} |" for row in found]
            where = f"{os.cpu_count()} cores, Python {platform.python_version()}"
            sections[module] = "\n".join([*lines, "", f"`tests/faults/{module}`, {date.today()}, {where}.", ""])  # noqa: DTZ011
    page.write_text("\n".join([_HEAD, *(sections[module] for module in sorted(sections))]), encoding="utf-8")
    print(f"\n{path}: {len(rows.keys() - _BROKEN)} tables written" + (f"; not those of {', '.join(sorted(_BROKEN))}" if _BROKEN else ""))


def _sections(page: str) -> dict[str, str]:
    """The tables of a page, by the modules that measured them."""
    parts = [f"## {part.rstrip()}\n" for part in page.split("\n## ")[1:]]
    return {found[1]: part for part in parts if (found := re.search(r"`tests/faults/(\w+\.py)`", part))}
