"""What the sources never do: run what others wrote, build a pattern or a template or SQL of it, or let a page take it for markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import ROOT, SOURCES

TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
RUNS = {"eval", "exec", "compile", "__import__", "breakpoint", "globals"}
SQL = re.compile(r"f['\"]+\s*(?:select|insert|update|delete|copy|with|where|from)\b")
RISKY = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "ctypes", "pty", "telnetlib", "xmlrpc", "xml", "lxml", "imp", "code"}
PATTERNS = {"compile", "match", "search", "sub", "subn", "fullmatch", "findall", "finditer", "split"}
CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*")
CONNECTS = {"ssl", "http", "httpx", "httpcore", "aiohttp", "requests", "urllib3", "ftplib", "smtplib", "imaplib", "websockets", "grpc"}
"""What could reach another machine; the Telegram channel alone may, and `doctor --online`, which asks its server once."""
MAY_CONNECT = ("handlers/telegram", "handlers/doctor_machine.py", "handlers/supervised.py")
"""The last tells systemd, on this machine, that the program lives."""
OURS = {
    ("knowledge/dates.py", "name"): "the names of months, a constant",
    ("knowledge/names.py", "edges[0]"): "patterns of SHAPES and _edges, constants",
    ("knowledge/names.py", "edges[1]"): "the same",
    ("storage/moving.py", "table"): "a key of the constant that lists the tables",
    ("storage/moving.py", "', '.join(columns)"): "its values",
    ("storage/postgres_commit.py", "table"): "one of two literals",
    ("storage/postgres_commit.py", "places"): "as many question marks as there are lines",
    **{(f"storage/{store}_personal.py", "what"): "a table of the type Kept" for store in ("sqlite", "postgres")},
    ("storage/postgres_personal.py", "key"): "a value of the constant that lists the keys",
    ("storage/postgres_personal.py", "some"): "a statement made of these",
    **{
        (f"storage/{store}_sealing.py", f"column.{part}"): "of the constant COLUMNS" for store in ("sqlite", "postgres") for part in ("table", "name")
    },
    ("storage/sqlite_sealing.py", "names"): "of the constant COLUMNS",
    ("storage/postgres_sealing.py", "key"): "of the constant COLUMNS",
    ("storage/postgres_sealing.py", "', '.join(column.bound)"): "of the constant COLUMNS",
    ("storage/postgres_sealing.py", "', '.join(['%s'] * count)"): "as many places as there are values",
    ("storage/postgres_sealing.py", "beyond"): "a condition made of these",
    ("storage/postgres_sealing.py", "same"): "a condition made of these",
    ("dialogs/texts.py", "self.entries[key]"): "our own texts",
    ("handlers/limits.py", "_WORDS.get(kind, _OTHERWISE)"): "our own words",
    ("handlers/logs.py", "super()"): "logging's own method, no text",
    ("knowledge/loader.py", "what"): "a value of the constant _STRANGE",
}
"""What a reader has looked at where the test can't follow: file and expression, and why it is ours."""


def dotted(node: ast.AST) -> str:
    """`re.compile` for the function that is called so; "" for what is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{before}.{node.attr}" if (before := dotted(node.value)) else node.attr
    return ""


class Fixed:
    """Whether an expression is the same whoever uses the program: made of literals, of our constants, and of what was escaped."""

    def __init__(self, tree: ast.Module) -> None:
        self._scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module)]

    def __call__(self, node: ast.AST, escape: str = "re.escape", known: frozenset[str] = frozenset()) -> bool:
        def fixed(part: ast.AST) -> bool:
            return self(part, escape, known)

        match node:
            case ast.Constant():
                return True
            case ast.JoinedStr():
                return all(fixed(v.value) for v in node.values if isinstance(v, ast.FormattedValue))
            case ast.Name():
                return node.id in known or bool(CONSTANT.fullmatch(node.id)) or self._assigned(node, escape, known)
            case ast.Attribute():
                return bool(CONSTANT.fullmatch(node.attr)) or (node.attr == "pattern" and fixed(node.value))
            case ast.BinOp():
                return fixed(node.left) and fixed(node.right)
            case ast.BoolOp():
                return all(map(fixed, node.values))
            case ast.IfExp():
                return fixed(node.body) and fixed(node.orelse)
            case ast.Tuple() | ast.List() | ast.Set():
                return all(map(fixed, node.elts))
            case ast.Starred() | ast.Subscript():
                return fixed(node.value)
            case ast.GeneratorExp() | ast.ListComp():
                names = {n.id for g in node.generators if fixed(g.iter) for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                return self(node.elt, escape, known | names)
            case ast.Call() if dotted(node.func) == escape:
                return True
            case ast.Call(func=ast.Attribute(value=text, attr="join" | "format" | "items" | "values" | "keys")):
                return fixed(text) and all(map(fixed, node.args))
            case ast.Call() if dotted(node.func) in ("sorted", "map", "tuple", "list", "reversed"):
                return all(fixed(a) for a in node.args if dotted(a) not in ("len",)) or (dotted(node.args[0]) == escape)
        return False

    def _assigned(self, name: ast.Name, escape: str, known: frozenset[str]) -> bool:
        """A name that is only ever given what is fixed, in the innermost function that has it."""
        around = [s for s in self._scopes if any(n is name for n in ast.walk(s))]
        for scope in sorted(around, key=lambda s: sum(1 for _ in ast.walk(s))):
            given = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) and any(_names(t, name.id) for t in n.targets)]
            given += [n.value for n in ast.walk(scope) if isinstance(n, ast.NamedExpr) and n.target.id == name.id]
            if given:
                return all(self(value, escape, known | {name.id}) for value in given)
        return False


def _names(target: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(target))


def all_fixed(name: str, node: ast.AST) -> bool:
    """Whether an expression, or each part of an f-string, is fixed or was looked at."""
    fixed = Fixed(TREES[name])
    parts = [v.value for v in node.values if isinstance(v, ast.FormattedValue)] if isinstance(node, ast.JoinedStr) else [node]
    return all(fixed(part) or (name, ast.unparse(part)) in OURS for part in parts)


def called(name: str) -> Iterator[tuple[ast.Call, str]]:
    return ((node, dotted(node.func)) for node in ast.walk(TREES[name]) if isinstance(node, ast.Call))


@pytest.mark.parametrize("name", TREES)
def test_nothing_that_others_wrote_is_run_or_unpickled(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found = {a.name for a in node.names} if isinstance(node, ast.Import) else {node.module or ""}
            assert not {n.split(".")[0] for n in found} & RISKY, f"line {node.lineno}"
    for node, function in called(name):
        assert function not in RUNS, f"line {node.lineno}: {function}"
        runs = ("subprocess.", "os.exec", "os.spawn", "os.system", "os.popen", "yaml.load", "yaml.unsafe", "yaml.full", "yaml.Loader")
        assert not function.startswith(runs), f"line {node.lineno}: {function}"
        assert not [k for k in node.keywords if k.arg == "shell"], f"line {node.lineno}"


def test_no_pattern_is_made_of_what_others_wrote() -> None:
    """Only of literals, of constants of ours, and of words that were escaped: no admin and no visitor can make one that never ends."""
    loose = [
        f"{name}:{node.lineno}: {ast.unparse(node.args[0])}"
        for name in TREES
        for node, function in called(name)
        if function in {f"re.{f}" for f in PATTERNS} and not all_fixed(name, node.args[0])
    ]
    assert loose == []


def test_no_sql_is_made_of_what_others_wrote() -> None:
    """Values go beside it, as parameters."""
    loose = [
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name in TREES
        if name.startswith("storage/")
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.JoinedStr) and SQL.search(ast.unparse(node)) and not all_fixed(name, node)
    ]
    assert loose == []


def test_no_text_with_slots_comes_from_others() -> None:
    loose = [
        f"{name}:{node.lineno}: {ast.unparse(node.func.value)}"
        for name in TREES
        for node, _ in called(name)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map") and not all_fixed(name, node.func.value)
    ]
    assert loose == []


def test_templates_are_files_of_ours_and_escape_what_they_show() -> None:
    for name in TREES:
        for node, function in called(name):
            assert function.rpartition(".")[2] not in ("from_string", "Markup", "Template", "select_autoescape"), f"{name}:{node.lineno}"
            if function == "Environment":
                assert "autoescape=True" in ast.unparse(node), f"{name}:{node.lineno}"
            if function == "Jinja2Templates":  # Starlette's: it escapes unless it is given another environment
                assert "env=" not in ast.unparse(node)
                assert CONSTANT.fullmatch(ast.unparse((*node.args, *(k.value for k in node.keywords))[0]))
    pages = [p for folder in ("handlers", "desk") for p in (ROOT / folder).rglob("*") if p.suffix in (".html", ".svg", ".j2", ".xml")]
    assert len(pages) >= 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|<script(?![^>]*\ssrc=)|\son\w+\s*=|javascript:", text), page
        assert page.suffix == ".svg" or not re.search(r"<style|\sstyle=", text), page


def test_the_page_makes_no_markup_and_no_code_of_text() -> None:
    for script in (ROOT / "handlers").rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\bFunction\(|srcdoc|DOMParser|createContextualFragment|postMessage|localStorage"
        assert not re.findall(sinks, text), script


def test_only_the_telegram_channel_can_reach_another_machine() -> None:
    for name in TREES:
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found = {a.name for a in node.names} if isinstance(node, ast.Import) else {node.module or ""}
                tops = {n.split(".")[0] for n in found} | {n for n in found if n == "urllib.request"}
                assert name.startswith(MAY_CONNECT) or not tops & (CONNECTS | {"urllib.request"}), f"{name}:{node.lineno}"
        for node, function in called(name):
            connects = function.rpartition(".")[2] in ("open_connection", "create_connection", "urlopen", "sendto")
            assert name.startswith(MAY_CONNECT) or not connects, f"{name}:{node.lineno}"


def test_what_nobody_may_guess_comes_from_the_systems_randomness() -> None:
    """`random` is for pauses, and for the names of turns in the log; no weak digest is used, and identifiers are no UUIDs of the clock."""
    for name in TREES:
        for node, function in called(name):
            allowed = function == "random.uniform" or (name, function) == ("dialogs/turns.py", "random.getrandbits")
            assert allowed or not function.startswith("random."), f"{name}:{node.lineno}"
            assert function not in ("hashlib.md5", "hashlib.sha1", "hashlib.new", "uuid.uuid1", "uuid.uuid3", "uuid.uuid5"), f"{name}:{node.lineno}"
            if function in ("secrets.token_urlsafe", "secrets.token_bytes"):
                size = node.args[0] if node.args else None
                if (name, ast.unparse(node)) == ("storage/sealing.py", "secrets.token_bytes(_NONCE)"):
                    continue  # AES-GCM's own 96 bits: to be used once, not to be unguessable
                assert isinstance(size, ast.Constant) and int(str(size.value)) >= 16, f"{name}:{node.lineno}: 128 bits at least"


def test_secrets_are_compared_in_constant_time() -> None:
    for name in (n for n in TREES if n.startswith(("handlers/", "desk/", "bot.py"))):  # the tokens of a dialog are answers
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                words = {dotted(side).rpartition(".")[2].strip("_") for side in (node.left, *node.comparators)}
                assert not words & {"secret", "secret_header", "token", "password", "signature", "shown", "cookie"}, f"{name}:{node.lineno}"
    compared = {name for name in TREES for _, function in called(name) if function == "hmac.compare_digest"}
    assert compared >= {"handlers/metrics.py", "handlers/telegram.py"}


@pytest.mark.parametrize("page", sorted(ROOT.glob("requirements*.txt")), ids=lambda p: p.name)
def test_every_requirement_is_pinned_and_hashed(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert len(wanted) > 20
    for line in wanted:
        assert re.match(r"[\w.-]+(\[\w+\])?==\S+( ; .+?)?\s+--hash=sha256:[0-9a-f]{64}", line), line[:80]
    assert "--require-hashes" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_exception_is_still_needed() -> None:
    sources = {name: {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.expr)} for name, tree in TREES.items()}
    assert [key for key in OURS if key[1] not in sources.get(key[0], set())] == []
