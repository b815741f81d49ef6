"""docs/security.md accounts for every item of OWASP ASVS 5.0.0 of levels 1 and 2: by a test that exists, or by a reason."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"
TEXT = PAGE.read_text(encoding="utf-8")
IDS = [line.split()[0] for line in (TESTS / "asvs-5.0.0.txt").read_text(encoding="utf-8").splitlines()]
REASONS = ("not applicable: ", "exception: ", "planned: ", "document: ")
ROWS = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in TEXT.splitlines() if re.match(r"\| V\d", line)]


def meant(cell: str) -> list[str]:
    """The ids that a cell names: one, or all of the list from one to another."""
    first, _, last = cell.partition("–")
    return IDS[IDS.index(first) : IDS.index(last or first) + 1]


def exists(name: str) -> bool:
    path, _, function = name.partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function for node in tree.body)


def test_every_item_of_levels_1_and_2_stands_there_once() -> None:
    found = Counter(item for row in ROWS for item in meant(row[0]))
    assert len(IDS) == 253  # 70 of level 1, 183 of level 2
    assert [item for item in IDS if found[item] != 1] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_item_has_a_test_that_exists_or_a_reason(row: list[str]) -> None:
    _, asks, here, proof = row
    assert asks
    assert here
    if named := re.findall(r"`([\w./]+::\w+)`", proof):
        assert re.sub(r"`[\w./]+::\w+`(, )?", "", proof) == ""
        assert [name for name in named if not exists(name)] == []
        return
    kind = next((k for k in REASONS if proof.startswith(k)), None)
    assert kind, proof
    if kind == "document: ":
        links = re.findall(r"\]\(([^)]*)\)", proof)
        assert links
        for link in links:
            file, _, anchor = link.partition("#")
            target = (PAGE.parent / file if file else PAGE).read_text(encoding="utf-8")
            assert not anchor or f"## {anchor.replace('-', ' ')}" in target.lower()
    else:
        assert len(proof.removeprefix(kind)) >= 15


def test_what_is_planned_or_excepted_is_little_beside_what_is_tested() -> None:
    tested = sum(len(meant(row[0])) for row in ROWS if "::" in row[3])
    excepted = sum(len(meant(row[0])) for row in ROWS if row[3].startswith("exception: "))
    assert tested > 3 * excepted


def test_the_limits_that_the_page_tells_are_those_of_the_program() -> None:
    from dialogs import turns
    from handlers import connection, guard, limits, web

    told = {row[0]: row[1:] for row in ([c.strip() for c in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| "))}
    for limit, words in (
        (limits.CHAT, "messages of one visitor, of one person in a Telegram chat"),
        (limits.SAY, "messages and forms from one address"),
        (limits.LOOK, "pages, histories and streams opened from one address"),
        (limits.DRAW, "reports and pictures from one address (they are drawn)"),
        (limits.NEWCOMER, "new visitors from one address"),
    ):
        assert told[words] == [f"{limit.burst:,}", f"{limit.rate:g}"], words
    assert f"| {web.STREAMS} / {limits.STREAMS:,} |" in TEXT
    assert f"turns under way in one worker (then 503) | {turns.MAX_UNDER_WAY:,} |" in TEXT
    sizes = f"a head: {connection.MAX_HEAD // 1024} KiB within {connection.HEAD_SECONDS:g} s; an address: {guard.MAX_URL // 1024} KiB; "
    sizes += f"a body: {guard.MAX_BODY // 1024} KiB, a webhook's {guard.MAX_CALL // 2**20} MiB, within {guard.BODY_SECONDS:g} s"
    assert sizes in TEXT
