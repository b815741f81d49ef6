"""What stands before every page: hosts, other sites, sizes, time, and the safety headers of every answer, over real HTTP where it matters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from dialogs.turns import Library, Turns
from handlers import connection, guard
from handlers.drawing import Drawing
from handlers.guard import MAX_BODY, MAX_CALL, MAX_URL, SAFE
from handlers.metrics import Metrics
from handlers.web import COOKIE, create_app
from knowledge.snapshot import Knowledge
from storage.contract import StoreError
from storage.memory import MemoryStore
from tests.handlers.serving import serving

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HERE, PUBLIC = "http://127.0.0.1:8000", "https://yqt.example.cn"
VISITOR = "a" * 22
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")


class Broken(MemoryStore):
    """A store in which something is wrong that nobody thought of."""

    async def transcript(self, *args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("secret detail 13800001111")


class Gone(MemoryStore):
    """A store that does not answer."""

    async def transcript(self, *args: Any, **kwargs: Any) -> Any:
        raise StoreError("the database at 10.0.0.5 is gone")


def app_of(knowledge: Knowledge, store: MemoryStore | None = None, **options: Any) -> Any:
    """The web chat with everything that it can have."""
    library = Library(knowledge)
    turns = Turns(store or MemoryStore(), library)

    async def receive(body: bytes, secret: str | None) -> int:
        return 200 if secret == "s" else 403

    return create_app(turns, Drawing(library), metrics=Metrics(turns, "figures-token"), webhooks={"/telegram": receive}, **options)


@pytest.fixture
def client(knowledge: Knowledge) -> Iterator[TestClient]:
    with TestClient(app_of(knowledge), base_url=HERE, cookies={COOKIE: VISITOR}, follow_redirects=False) as client:
        yield client


def paths(client: TestClient) -> list[tuple[str, set[str]]]:
    """An address for each route, and the methods that it takes."""
    app: Any = client.app
    found: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, Mount):
            found[f"{route.path}/nothing.css"] = {"GET", "HEAD"}
        else:
            assert isinstance(route, Route)
            path = re.sub(r"\{\w+(:path)?\}", "layout/zh/taicang" if "path}" in route.path else "k" * 32, route.path)
            found.setdefault(path, set()).update(route.methods or ())
    del found["/api/events"]  # it never ends
    return list(found.items())


# -- headers


def dressed(headers: Any, safe: tuple[str, ...] = tuple(SAFE)) -> None:
    """Every safety header is there once, and none lets anything through that it should not."""
    for name in safe:
        assert len(headers.get_list(name)) == 1, name
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin"), "other sites learn nothing"
    assert "server" not in headers
    assert "x-powered-by" not in headers


def test_every_route_and_every_refusal_carries_the_safety_headers(client: TestClient) -> None:
    answers = [client.request(method, path) for path, _ in paths(client) for method in METHODS]
    answers += [
        client.get("/nowhere"),
        client.get("/chat/chat.js"),
        client.get("/chat/icon.svg"),
        client.get("/", headers={"Host": "elsewhere.example"}),
        client.get("/" + "x" * MAX_URL),
        client.post("/api/messages", json={}, headers={"Origin": "https://evil.example"}),
        client.post("/api/messages", content=b"x" * (MAX_BODY + 1), headers={"Content-Type": "application/json"}),
        client.post("/api/messages", content=b"{", headers={"Content-Type": "application/json"}),
        client.post("/api/messages", content=b"{}", headers={"Content-Type": "text/plain"}),
    ]
    assert {a.status_code for a in answers} >= {200, 400, 403, 404, 405, 413, 414, 415}
    for answer in answers:
        dressed(answer.headers)
        assert "strict-transport-security" not in answer.headers, "the address of this installation is not https"


def test_what_breaks_inside_is_said_in_words_and_told_only_to_the_log(knowledge: Knowledge, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(app_of(knowledge, Broken()), base_url=HERE, cookies={COOKIE: VISITOR}) as client:
        answer = client.get("/api/history")
    assert (answer.status_code, answer.json()) == (500, {"error": "刚才出了错，已经记下来。请过一会儿再试。"})
    dressed(answer.headers)
    assert "ZeroDivisionError" in caplog.text
    with TestClient(app_of(knowledge, Gone()), base_url=HERE, cookies={COOKIE: VISITOR}) as client:
        answer = client.get("/api/history")
    assert (answer.status_code, answer.json()) == (503, {"error": "刚才没有存下。请再发一次，同一条不会重复。"})
    dressed(answer.headers)


def test_only_a_page_may_load_anything_and_nothing_may_run_inline(client: TestClient) -> None:
    policies = {path: client.get(path).headers["content-security-policy"] for path in ("/", "/report/" + "k" * 32, "/api/history", "/nowhere")}
    for path in ("/", "/report/" + "k" * 32):
        rules = dict(rule.strip().split(" ", 1) for rule in policies[path].split(";"))
        assert {rules[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {"'self'"}
        assert {rules[name] for name in ("default-src", "object-src", "base-uri", "frame-ancestors", "trusted-types")} == {"'none'"}
        assert rules["require-trusted-types-for"] == "'script'"
        assert not re.search("unsafe|https?:|data:|blob:|[*]", policies[path])
    for path in ("/api/history", "/nowhere"):
        assert "self" not in policies[path]


def test_answers_name_their_kind_and_their_letters(client: TestClient) -> None:
    kinds = {
        "/": "text/html; charset=utf-8",
        "/chat/chat.js": "text/javascript; charset=utf-8",
        "/chat/chat.css": "text/css; charset=utf-8",
        "/chat/icon.svg": "image/svg+xml; charset=utf-8",
        "/picture/layout/zh/taicang.svg": "image/svg+xml; charset=utf-8",
        "/nowhere": "text/plain; charset=utf-8",
        "/api/history": "application/json",
    }
    for path, kind in kinds.items():
        assert client.get(path).headers["content-type"] == kind


def test_folders_are_not_listed_and_nothing_outside_them_is_served(client: TestClient) -> None:
    for path in (
        "/chat/",
        "/chat",
        "/report_page/",
        "/chat/../web.py",
        "/chat/..%2fweb.py",
        "/chat/%2e%2e/web.py",
        "/.git/config",
        "/docs",
        "/openapi.json",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("/api/history/", "/healthz/"):
        assert client.get(path).status_code == 404, "nothing is redirected silently"


# -- https and cookies


@pytest.mark.parametrize("how", ["public", "proxy", "plain"])
def test_over_https_the_cookie_is_for_this_host_only_and_the_browser_stays_with_https(knowledge: Knowledge, how: str) -> None:
    base = {"public": PUBLIC.replace("https", "http"), "proxy": "https://127.0.0.1", "plain": HERE}[how]
    with TestClient(app_of(knowledge, public=PUBLIC), base_url=base) as client:
        page = client.get("/")
        cookie = page.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
        assert "domain" not in cookie.lower()
        if how == "plain":
            assert cookie.startswith(f"{COOKIE}=")
            assert "Secure" not in cookie
            assert "strict-transport-security" not in page.headers
        else:
            assert cookie.startswith(f"__Host-{COOKIE}=")
            assert "Secure" in cookie
            for path in ("/", "/nowhere", "/chat/chat.js", "/picture/layout/zh/taicang.svg"):
                assert client.get(path).headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
            plain = client.get("/api/history", headers={"Cookie": f"{COOKIE}={VISITOR}"})
            assert plain.status_code == 403, "a cookie that another host of the domain could have set is not taken"
            assert client.get("/api/history", headers={"Cookie": f"__Host-{COOKIE}={VISITOR}"}).status_code == 200


# -- hosts and other sites


def test_a_host_that_is_not_ours_is_refused(client: TestClient) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "yqt.example.cn"):
        assert client.get("/", headers={"Host": host}).status_code == 400, host
    assert client.get("/healthz", headers={"Host": "10.0.0.9"}).status_code == 200, "programs ask by address"


SITES = [
    ("GET", "/", {"site": "cross-site", "mode": "navigate", "dest": "document"}, 200),
    ("GET", "/", {"site": "cross-site", "mode": "navigate", "dest": "iframe"}, 403),
    ("GET", "/", {"site": "cross-site", "mode": "no-cors", "dest": "script"}, 403),
    ("GET", "/picture/layout/zh/taicang.svg", {"site": "cross-site", "mode": "no-cors", "dest": "image"}, 403),
    ("GET", "/api/history", {"site": "same-site", "mode": "cors", "dest": "empty"}, 403),
    ("GET", "/api/history", {"site": "same-origin", "mode": "cors", "dest": "empty"}, 200),
    ("GET", "/", {"site": "none", "mode": "navigate", "dest": "document"}, 200),
    ("POST", "/api/messages", {"site": "cross-site", "mode": "navigate", "dest": "document"}, 403),
    ("POST", "/api/messages", {"site": "same-site", "mode": "cors", "dest": "empty"}, 403),
    ("POST", "/api/messages", {"site": "same-origin", "mode": "cors", "dest": "empty"}, 200),
]


@pytest.mark.parametrize(("method", "path", "said", "status"), SITES, ids=lambda v: "-".join(v.values()) if isinstance(v, dict) else str(v))
def test_what_a_browser_says_of_the_asking_site_counts(client: TestClient, method: str, path: str, said: dict[str, str], status: int) -> None:
    headers = {f"Sec-Fetch-{name}": value for name, value in said.items()}
    body = {"id": "message-1", "text": "你好"} if method == "POST" else None
    assert client.request(method, path, headers=headers, json=body).status_code == status


def test_a_form_of_our_own_page_hides_its_origin_and_is_welcome(client: TestClient) -> None:
    """As browsers do under no-referrer; another site's form says `null` too, and that it is cross-site. Pages allow referrers to ourselves."""
    assert client.get("/").headers["referrer-policy"] == "same-origin"
    for site, status in (("same-origin", 200), ("cross-site", 403)):
        headers = {"Origin": "null", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert client.post("/api/messages", json={"id": "message-1", "text": "你好"}, headers=headers).status_code == status


def test_no_answer_is_open_to_scripts_of_other_sites(client: TestClient) -> None:
    for path, _ in paths(client):
        for origin in (HERE, "https://evil.example", "null"):
            assert "access-control-allow-origin" not in client.get(path, headers={"Origin": origin}).headers


@pytest.mark.parametrize("method", METHODS)
def test_no_route_takes_another_method_than_its_own(client: TestClient, method: str) -> None:
    for path, methods in paths(client):
        status = client.request(method, path).status_code
        assert (status == 405) == (method not in methods), (method, path, status)


# -- sizes and time


def test_no_route_takes_a_body_beyond_its_limit(client: TestClient) -> None:
    def pieces(size: int) -> Iterator[bytes]:
        for _ in range(0, size, 4096):
            yield b"x" * 4096

    headers = {"Content-Type": "application/json"}
    for path, limit in (("/api/messages", MAX_BODY), ("/telegram", MAX_CALL)):
        assert client.post(path, content=b"x" * (limit + 1), headers=headers).status_code == 413
        assert client.post(path, content=pieces(limit + 4096), headers=headers).status_code == 413, "without its length said before"


def test_a_long_address_is_refused(client: TestClient) -> None:
    assert client.get("/report/" + "x" * MAX_URL).status_code == 414
    assert client.get("/?" + "x" * MAX_URL).status_code == 414


async def raw(address: str, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What the server says to these bytes until it closes the connection, or two seconds have passed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    said = bytearray()

    async def listen() -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(2 + pause * len(pieces)):
                while part := await reader.read(65536):
                    said.extend(part)

    listening = asyncio.create_task(listen())
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
    await listening
    writer.close()
    return bytes(said)


@pytest.fixture
def turns(knowledge: Knowledge) -> Turns:
    return Turns(MemoryStore(), Library(knowledge))


async def test_a_body_that_does_not_come_is_not_waited_for(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    head = f"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {COOKIE}={VISITOR}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    async with serving(turns) as (_, address):
        said = await raw(address, head.encode())
    assert said.startswith(b"HTTP/1.1 408 ")
    assert "没有收全" in said.decode()
    assert b"connection: close" in said.lower()


async def test_a_head_that_does_not_come_is_not_waited_for(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    async with serving(turns) as (server, address):
        silent, slow, second = await asyncio.gather(
            raw(address),
            raw(address, *(b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 20), pause=0.05),
            raw(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n", pause=0.1),
        )
        assert silent.startswith(b"HTTP/1.1 408 ")
        assert slow.startswith(b"HTTP/1.1 408 ")
        assert second.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in second
        assert b"default-src 'none'" in slow
        assert not server.server_state.connections


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000, b"GET /" + b"x" * 40_000, b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 4000],
    ids=["long", "address", "many"],
)
async def test_a_head_beyond_its_limit_ends_the_connection(turns: Turns, head: bytes) -> None:
    async with serving(turns) as (_, address):
        said = await raw(address, *(head[i : i + 8192] for i in range(0, len(head), 8192)), pause=0.01)
    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"x-content-type-options: nosniff" in said


SMUGGLED = {
    "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 30\r\n\r\n",
    "odd length": b"Content-Length: +5\r\n\r\nhello",
    "hex length": b"Content-Length: 0x5\r\n\r\nhello",
    "odd encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "odd chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n",
    "space before colon": b"Content-Length : 5\r\n\r\nhello",
    "nul": b"X-A: a\0b\r\n\r\n",
    "bare return": b"X-A: a\rb\r\n\r\n",
}


@pytest.mark.parametrize("rest", SMUGGLED.values(), ids=SMUGGLED)
async def test_a_request_whose_end_could_be_read_in_two_ways_ends_the_connection(turns: Turns, rest: bytes) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with serving(turns) as (_, address):
        said = await raw(address, b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n" + rest + hidden)
    answers = re.findall(rb"HTTP/1\.1 (\d+) ", said)
    assert answers[-1:] == [b"400"], said
    assert b"200" not in answers, "what was hidden is not answered"


async def test_two_hosts_are_none(turns: Turns) -> None:
    async with serving(turns) as (_, address):
        said = await raw(address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")


async def test_a_line_end_in_an_address_becomes_no_header(turns: Turns) -> None:
    async with serving(turns) as (_, address):
        for path in (b"/%0d%0aSet-Cookie:%20a=b", b"/picture/%0d%0aX-A:%20b.svg", b"/report/%0d%0a%0d%0a"):
            said = await raw(address, b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            head = said.partition(b"\r\n\r\n")[0].lower()
            assert head.startswith(b"http/1.1 404 ")
            assert b"set-cookie" not in head
            assert b"x-a" not in head


def test_a_thousand_refusals_are_one_line_in_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(50):
        client.get("/", headers={"Host": "evil.example"})
        client.post("/api/messages", json={}, headers={"Origin": "https://evil.example"})
        client.post("/telegram", json={})
        client.get("/metrics", headers={"Authorization": "Bearer guess"})
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    kinds = ("foreign host", "foreign site", "webhook without its secret", "figures without their token")
    assert lines == [f"refused: {kind} (1 times since it was last told)" for kind in kinds]
