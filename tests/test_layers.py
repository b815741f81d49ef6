"""The house's walls: who may import whom, and one door for each library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("handlers", "desk", "dialogs", "knowledge", "storage")
MAY_IMPORT = {
    "bot.py": {"handlers", "desk", "dialogs", "knowledge", "storage"},
    "handlers": {"handlers", "dialogs", "knowledge", "storage"},
    "desk": {"desk", "dialogs", "knowledge", "storage"},
    "dialogs": {"dialogs", "knowledge"},
    "dialogs/turns.py": {"dialogs", "knowledge", "storage"},
    "dialogs/delivery.py": {"dialogs", "storage"},
    "knowledge": {"knowledge"},
    "storage": {"storage"},
}
DOORS = {
    "telegram": ("handlers/telegram.py", "handlers/telegram_http.py", "handlers/telegram_updates.py"),
    "aiohttp": ("handlers/telegram_http.py",),
    "starlette": (
        "handlers/web.py",
        "handlers/guard.py",
        "handlers/limits.py",
        "handlers/metrics.py",
        "handlers/report.py",
        "handlers/personal.py",
        "desk/",
    ),
    "sqlite_utils": ("storage/sqlite.py", "storage/sqlite_"),
    "psycopg": ("storage/postgres.py", "storage/postgres_"),
    "psycopg_pool": ("storage/postgres.py", "storage/postgres_"),
    "cryptography": ("storage/sealing.py",),
    "yaml": ("knowledge/strict_yaml.py",),
    "rapidfuzz": ("knowledge/matching.py", "knowledge/search.py", "knowledge/explaining.py", "dialogs/reading.py", "handlers/settings_sources.py"),
    "uvicorn": ("handlers/web.py", "handlers/connection.py"),
    "opencc": ("knowledge/spelling.py",),
    "pypinyin": ("knowledge/spelling.py",),
    "docx": ("knowledge/importing.py",),
    "pypdf": ("knowledge/importing.py",),
    "prometheus_client": ("handlers/metrics.py",),
    "jinja2": ("handlers/web.py", "handlers/drawing.py", "desk/"),
    "resvg_py": ("handlers/drawing.py",),
    "xlsxwriter": ("handlers/sheets.py",),
}
IMPURE = {"random", "secrets", "uuid", "os", "socket", "logging", "asyncio", "time", "subprocess", "threading"}
SOURCES = sorted(p for name in (*PACKAGES, "bot.py") for p in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py")))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_down_only(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    allowed = MAY_IMPORT.get(name) or MAY_IMPORT[name.split("/")[0]]
    assert tops(path) & set(PACKAGES) <= allowed
    assert "bot" not in tops(path)
    assert "tests" not in tops(path)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_each_library_has_one_door(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    for library, doors in DOORS.items():
        if library in tops(path):
            assert any(name == door or name.startswith(door) for door in doors if door), f"{name} imports {library}"


@pytest.mark.parametrize("path", sorted((ROOT / "dialogs").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_dialogs_are_pure_but_for_their_shell(path: Path) -> None:
    if path.name not in ("turns.py", "delivery.py"):
        assert not tops(path) & IMPURE
        source = path.read_text(encoding="utf-8")
        assert ".now(" not in source
        assert ".today()" not in source


@pytest.mark.parametrize("path", sorted((ROOT / "dialogs" / "scripts").rglob("*.py")), ids=lambda p: p.name)
def test_scripts_know_only_questions_and_knowledge(path: Path) -> None:
    ours = {n for n in imports(path) if n.split(".")[0] in PACKAGES}
    assert all(n.startswith(("knowledge", "dialogs.script")) for n in ours), ours
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "manager", "misc"}
    assert not [p for p in SOURCES if p.stem in drawers]


def test_every_wall_stands_on_an_existing_room() -> None:
    for door in DOORS.values():
        assert any((ROOT / d).exists() for d in door)
