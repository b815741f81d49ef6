"""Garbage at every door: files of admins, lines of programs, pages, Telegram, buttons, and words. Each is answered or refused in words."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import random
import re
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import docx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from telegram import User

from dialogs.assistant import respond
from dialogs.conversation import State
from dialogs.messages import Message
from dialogs.turns import LOCAL, Library, Turns
from handlers import console, telegram
from handlers.channel import BadMessageError, read_message
from handlers.companies import Table, TableError
from handlers.drawing import Drawing
from handlers.judging import Judge
from handlers.telegram import Telegram
from handlers.web import create_app
from knowledge import loader, strict_yaml
from knowledge.given import Reader
from knowledge.importing import ImportingError, lines_of
from knowledge.loader import KnowledgeError
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import Problem, StrictYamlError
from storage.contract import Address
from storage.memory import MemoryStore
from tests.dialogs.talking import NOW, Talking, through
from tests.handlers.bot_api import ME, TOKEN, group, person, private

T = TypeVar("T")
SECRET = "a-secret_of-ours"
CPU_SECONDS = 20.0
"""What nothing here comes near to, on any machine, unless the work explodes."""
SEEDS = st.integers(0, 2**32)
ODD = re.split(
    " ",
    "\x00 \t \x85 \u2028 \u202e \ufeff \ud800 \U0010ffff ： ， ﷺ ½ ٣ { } [ ] : - # & * ! | > ' \" % @ ` ? ~ {request} {0} "
    "%s \\u0000 ---\n <<: ${x} &a *a !!int",
)
PIECES_OF_FILES = [odd.encode(errors="surrogatepass") for odd in ODD]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
few, some, many = (settings(max_examples=n) for n in (5, 30, 100))


def mutated(data: bytes, seed: int, pieces: Sequence[bytes] = PIECES_OF_FILES) -> bytes:
    """A file with one or several random edits: lines dropped, doubled, moved, cut, bytes put in."""
    chance, lines = random.Random(seed), data.split(b"\n")
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
        line = lines[here]
        at = chance.randrange(len(line) + 1)
        match chance.randrange(9):
            case 0:
                lines[here] = line[:at] + chance.choice(pieces) + line[at:]
            case 1:
                lines[here] = line[:at]
            case 2:
                lines.insert(here, lines[there])
            case 3:
                lines[here], lines[there] = lines[there], line
            case 4:
                lines[here] = b" " * chance.randrange(6) + line.lstrip()
            case 5:
                lines[here] = line[:at] + bytes([chance.randrange(256)]) + line[at + 1 :]
            case 6:
                lines[here] = (
                    line.partition(b":")[0] + b": " + chance.choice([b"", b"[]", b"{}", b"-1", b"9" * 5000, b"1e999", b"0000-00-00", *pieces])
                )
            case 7:
                lines[here] = line + lines[there].strip()
            case _:
                lines = lines[: here + 1] + lines[max(here + 1, there) :]
    return b"\n".join(lines)


class Kept(Generic[T]):
    """A value of a fixture that would fill pages where a test fails and tells what it was given."""

    def __init__(self, value: T) -> None:
        self.value = value


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Work that no input may make endless."""
    began = time.process_time()
    yield
    assert time.process_time() - began < CPU_SECONDS


# -- files of admins -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files() -> Kept[dict[str, bytes]]:
    return Kept(loader.read_folder(loader.SHIPPED)[0])


@pytest.fixture(scope="module")
def kept(knowledge: Knowledge) -> Kept[Knowledge]:
    return Kept(knowledge)


def loads(files: Mapping[str, bytes]) -> None:
    """They load, or every problem says where it is, what it is, and how to mend it."""
    problems: list[Problem] = []
    with bounded():
        try:
            loader.of_files(files)
        except KnowledgeError as error:
            problems += error.problems or [Problem("", 0, 0, "", "")]
    for problem in problems:
        assert problem.file in files
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.what
        assert problem.fix


@many
@given(
    st.one_of(
        st.binary(max_size=300), JSON.map(lambda v: json.dumps(v).encode()), SEEDS.map(lambda seed: mutated(b"a: 1\nb: [c, d]\ne:\n  - f: g\n", seed))
    )
)
@example(b"a: &a [x]\nb: [*a, *a]\n")
@example(b"[" * 100_000)
@example(b"- " * 50_000)
@example(b"a: " + b"9" * 100_000)
@example(b"? " * 5_000)
@example(b"\0")
def test_any_bytes_are_strict_yaml_or_refused_with_their_place(data: bytes) -> None:
    problems: list[Problem] = []
    with bounded():
        try:
            problems += [strict_yaml.read("a.yaml", data).problem((), "what", "fix")]
        except StrictYamlError as error:
            problems += error.problems
    assert problems
    assert all(p.file == "a.yaml" and p.line >= 1 and p.column >= 1 and p.what and p.fix for p in problems)


@some
@given(SEEDS)
def test_a_shipped_file_with_errors_alone_is_refused_in_words(files: Kept[dict[str, bytes]], seed: int) -> None:
    name = random.Random(seed).choice(sorted(files.value))
    loads({name: mutated(files.value[name], seed)})


@few
@given(SEEDS)
def test_a_knowledge_base_with_errors_loads_or_is_refused_in_words(files: Kept[dict[str, bytes]], seed: int) -> None:
    name = random.Random(seed).choice(sorted(files.value))
    loads({**files.value, name: mutated(files.value[name], seed)})


PAPER = "某市计划\n为了发展。\n一、目标\n到2025年达到500亿元。\n二、任务\n（一）招引\n给予最高300万元。\n"


def paper(kind: str) -> bytes:
    """A small paper as a file of a kind."""
    whole = io.BytesIO()
    if kind == "docx":
        file = docx.Document()
        for line in PAPER.splitlines():
            file.add_paragraph(line)
        file.save(whole)
    elif kind == "pdf":
        text = b"BT /F1 12 Tf 72 700 Td (One. Aims) Tj ET"
        whole.write(b"%PDF-1.4\n1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n")
        whole.write(b"3 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>>\nendobj\n")
        whole.write(b"4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (len(text), text))
        whole.write(b"5 0 obj\n<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n")
    else:
        whole.write(PAPER.encode())
    return whole.getvalue()


@some
@given(kind=st.sampled_from(["txt", "docx", "pdf"]), seed=SEEDS)
def test_a_broken_paper_is_imported_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, kind: str, seed: int) -> None:
    data = paper(kind)
    if kind == "docx" and seed % 2:  # sound outside, broken inside
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
            for name in old.namelist():
                new.writestr(name, mutated(old.read(name), seed) if name.endswith("document.xml") else old.read(name))
        data = packed.getvalue()
    else:
        data = mutated(data, seed)
    file = tmp_path_factory.mktemp("papers") / f"paper.{kind}"
    file.write_bytes(data)
    with bounded(), contextlib.suppress(ImportingError):
        assert any(line.strip() for line in lines_of(file))


TABLE = "公司,region,events,products,product.1.class\n甲公司,太仓,新取得医疗器械注册证,1,三类\n乙公司,昆山,都没有,,\n".encode()


@some
@given(SEEDS)
def test_a_broken_table_of_companies_is_judged_row_by_row_or_refused_in_words(
    kept: Kept[Knowledge], today: date, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    file = tmp_path_factory.mktemp("tables") / "t.csv"
    file.write_bytes(
        mutated(TABLE if seed % 5 else TABLE.decode().encode("utf-16"), seed, (b'"', b",", b";", b"\t", b"\r", b"\n", b"\0", b"\xff", b"=1+1"))
    )
    knowledge, judge = kept.value, Judge(kept.value, today)
    with bounded(), contextlib.suppress(TableError):
        for company in Table.open(file, Reader(knowledge.facts, knowledge.regions.values(), knowledge.segments.values())):
            judged = judge(company)
            assert judged.summary or judged.problems


# -- lines of programs, pages, headers -------------------------------------------------------------------------------------------------

LINE = json.dumps({"chat": "u1", "text": "太仓有什么补贴", "id": "7", "kind": "text", "at": "2026-11-22T09:30:00+08:00", "group": False}).encode()
TYPED = st.one_of(
    SEEDS.map(lambda seed: mutated(LINE, seed)),
    JSON.map(lambda v: json.dumps(v).encode()),
    st.fixed_dictionaries(
        {"chat": JSON},
        optional=dict.fromkeys(("text", "id", "from", "reply_to", "edits", "option", "kind", "at", "group", "addressed"), JSON),
    ).map(lambda v: json.dumps(v).encode()),
    st.fixed_dictionaries(
        {"chat": st.sampled_from(["u", "\ud800", 5])},
        optional={
            "text": st.text(max_size=30),
            "option": st.sampled_from(["!start:park_selection", "1:region=\udc00", "!asof:9999-12-31"]),
            "kind": st.sampled_from(["photo", "voice"]),
            "at": st.datetimes().map(datetime.isoformat) | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2026-11-22"]),
            "id": st.text(max_size=5),
            "reply_to": st.text(max_size=5),
        },
    ).map(lambda v: json.dumps(v).encode()),
)


@many
@given(st.lists(TYPED, min_size=1, max_size=3))
def test_each_line_of_a_program_gets_one_answer_and_no_inner_error(kept: Kept[Knowledge], lines: list[bytes]) -> None:
    out = io.StringIO()
    asyncio.run(console.jsonl(Turns(MemoryStore(), Library(kept.value)), iter(lines), out))
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(lines)
    for answer in answers:
        assert answer.get("replies") is not None or not answer["error"].startswith("internal")


SAID = json.dumps({"id": "message-1", "text": "太仓"}).encode()


@many
@given(
    st.one_of(
        st.binary(max_size=80), SEEDS.map(lambda seed: mutated(SAID, seed)), JSON.map(lambda v: json.dumps({"id": "message-1", "text": v}).encode())
    )
)
@example(b"[" * 60_000)
@example(b'{"id": "message-1", "text": "\\ud800"}')
@example(b'{"id": "message-1", "option": "' + b"a" * 65 + b'"}')
def test_a_body_of_the_page_is_a_message_or_refused_in_words(body: bytes) -> None:
    words = ""
    try:
        _, message = read_message(body)
        words = "text" if message.option is None else message.option or "option"
        (message.text + words).encode()
    except BadMessageError as error:
        words = str(error)
    assert words


def called(app: Any, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    """The status that the app answers with; what it raises comes out."""
    target, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": target,
        "headers": headers,
    }
    scope |= {"raw_path": target.encode(), "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": ""}
    parts: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> Any:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(part: Any) -> None:
        statuses.extend([part["status"]] if "status" in part else [])

    asyncio.run(asyncio.wait_for(app(scope, receive, send), 30))
    (status,) = statuses
    return status


PATHS = (
    "/",
    "/api/messages",
    "/api/history",
    "/api/events?after=",
    "/report/",
    "/picture/",
    "/chat/",
    "/healthz",
    "/readyz",
    "/../",
    "//",
    "/%00",
    "/telegram",
)
HEADER = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"yqt=" + b"a" * 22, b"application/json", b"127.0.0.1", b"http://[", b"en;q=x", b"-1", b"9" * 400, b"a=b; yqt"]),
)
NAMED = st.sampled_from(
    [b"cookie", b"content-type", b"origin", b"accept-language", b"last-event-id", b"host", b"content-length", b"if-none-match", b"range"]
)


@many
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    path=st.sampled_from(PATHS),
    rest=st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["tc-layout.svg", "a" * 300 + ".svg", "x/../../y.css", "18446744073709551616"]),
    headers=st.lists(st.tuples(NAMED, HEADER), max_size=5),
    body=st.one_of(st.just(b""), SEEDS.map(lambda seed: mutated(SAID, seed)), st.binary(max_size=50)),
    friendly=st.booleans(),
)
def test_any_request_to_the_page_is_answered_or_refused(
    kept: Kept[Knowledge], method: str, path: str, rest: str, headers: list[tuple[bytes, bytes]], body: bytes, friendly: bool
) -> None:
    library = Library(kept.value)
    app = create_app(Turns(MemoryStore(), library), Drawing(library), poll=0.01, ping=0.02)
    ours = [(b"host", b"127.0.0.1"), (b"cookie", b"yqt=" + b"a" * 22), (b"content-type", b"application/json")] if friendly else []
    assert called(app, method, path + rest if path not in ("/api/messages", "/api/history") else path, [*headers, *ours], body) < 500


# -- Telegram --------------------------------------------------------------------------------------------------------------------------

TEXT = {"message_id": 41, "date": 1_760_000_000, "chat": private(7), "from": person(7), "text": "太仓"}
UPDATES: list[dict[str, Any]] = [
    {"update_id": 1, "message": TEXT},
    {
        "update_id": 2,
        "message": {
            **TEXT,
            "chat": group(),
            "text": "@yuanqitong_bot 太仓",
            "reply_to_message": {**TEXT, "from": ME, "text": "服务团队：YQ-261122-0001"},
        },
    },
    {"update_id": 3, "edited_message": {**TEXT, "edit_date": 1_760_000_001}},
    {
        "update_id": 4,
        "callback_query": {"id": "4", "from": person(7), "message": {**TEXT, "from": ME}, "chat_instance": "1", "data": "!start:park_selection"},
    },
    {"update_id": 5, "message": {**TEXT, "text": None, "photo": [{"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9}], "caption": "图"}},
]


def bent(value: Any, chance: random.Random, odd: Any) -> Any:
    """An update with one value replaced, dropped or doubled somewhere."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(sorted(value))
        if chance.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: bent(value[key], chance, odd)}
    if isinstance(value, list) and value and chance.random() < 0.5:
        return [*value, bent(value[0], chance, odd)]
    return odd


@some
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.tuples(SEEDS, JSON).map(lambda p: json.dumps(bent(UPDATES[p[0] % 5], random.Random(p[0]), p[1])).encode()),
        SEEDS.map(lambda seed: mutated(json.dumps(UPDATES[seed % 5], indent=0).encode(), seed)),
    ),
    secret=st.sampled_from([SECRET, SECRET, SECRET, SECRET, None, "\ud800", "x"]),
)
def test_any_call_of_the_webhook_is_answered_and_the_next_update_is_handled(kept: Kept[Knowledge], body: bytes, secret: str | None) -> None:
    async def calls() -> tuple[int, int, Sequence[object]]:
        turns = Turns(MemoryStore(), Library(kept.value))
        channel = Telegram(turns, TOKEN, base_url="http://127.0.0.1:9", secret=SECRET)
        channel._me = User.de_json(ME, None)
        first = await channel.receive(body, secret)
        last = await channel.receive(json.dumps({"update_id": 99, "message": {**TEXT, "chat": private(8), "from": person(8)}}).encode(), SECRET)
        await channel.close()
        return first, last, await turns.store.transcript(Address("telegram", "8", "8"))

    first, last, lines = asyncio.run(calls())
    assert first in ((200, 400) if secret == SECRET else (403,))
    assert last == 200
    assert lines


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No waits between tries, and logging as it was before."""
    monkeypatch.setattr(telegram, "_STEP", 0.0)
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


# -- buttons and words -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moments(knowledge: Knowledge) -> Kept[list[Talking]]:
    """Talks at many points, with the buttons that they show."""
    talk, found = Talking(knowledge), [Talking(knowledge)]

    def at(*said: str) -> None:
        for words in said:
            (talk.send if words.startswith("!") else talk.say)(words)
            found.append(Talking(knowledge, state=talk.state, own=talk.own, last=talk.last))

    at("!start:park_selection", "体外诊断", "太仓", "生产", "都没有", "!start:subsidy_precheck")
    through(talk, {"plans": "都没有", "events": "新取得医疗器械注册证", "products": "2", "product.1.class": "三类"})
    at(
        "为什么不是昆山",
        "还差什么",
        "改答案",
        "高新区有什么补贴",
        "转人工",
        "想了解",
        "公司",
        "李女士",
        "13812345678",
        "同意",
        "确认",
        "进度",
        "撤回",
    )
    at("!start:approval_channel", "两个三类证一个二类证，太仓，能拿多少")
    return Kept(found)


VERBS = re.split(
    " ",
    "start show full text place wish basis edit back again cancel resume leave take asked note human log status why "
    "withdraw enough more asof rate set weigh hold so",
)
BITS = re.split(
    " ",
    ": = . ~ ! ^ * , - 1 2 run. words region products product.1.class plans 0001-01-01 9999-12-31 2022-12-31 park_selection "
    "request suzhou none unknown 1,1 yes ² ٣",
)


@many
@given(seed=SEEDS, noise=st.text(st.characters(exclude_categories=["Cs"]), max_size=16))
def test_any_payload_is_answered(moments: Kept[list[Talking]], seed: int, noise: str) -> None:
    chance = random.Random(seed)
    shown = [o.payload for talk in moments.value if talk.last for o in talk.options]
    for _ in range(5):
        talk, payload = chance.choice(moments.value), chance.choice(shown)
        at = chance.randrange(len(payload) + 1)
        made = (
            f"!{chance.choice(VERBS)}:" + "".join(chance.choices(BITS, k=chance.randrange(4))),
            payload[:at] + chance.choice([noise, *BITS]) + payload[at + chance.randrange(4) :],
            payload[:at] + chance.choice(shown)[at:],
            f"{chance.randrange(4)}:{chance.choice(['', '~'])}{chance.choice(BITS)}={chance.choice(BITS)}",
            noise,
        )[chance.randrange(5)]
        turn = respond(State.from_json(talk.state.to_json()), Message(option=made), talk.knowledge, NOW, talk.own)
        assert turn.replies, made


PIECES = re.split(
    " ",
    "1 1. 1, 1亿 一 十 百万 年 2020年 1月 - － 不 没有 不是 是 太仓 高新区 三类 三类证 二 Ⅲ （ a ab http:// www. @ a@b. 138 13812345678 ， 。 ？ "
    "万 元 万元 至 ~ / 第 产品1 的 我 还没 拿到 按2022年看 改成 不对， xuzhou taicang ﷺ ½ ① 什么 和 或 、太仓 正在 能不能 % “ 《 yes not class III million "
    "$1 RMB what is (?: { 临床 I期 以上 不少于 超过 between 2个 两个 三类证2个 二类证1个 \u3000 ́ \u200b \n",
)


@many
@given(parts=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=4), times=st.integers(1, 400), at=st.integers(0, 100))
@example(parts=["三类"], times=1000, at=0)
@example(parts=["(?:"], times=1000, at=0)
@example(parts=["？我"], times=1000, at=3)
@example(parts=["a@b."], times=1000, at=0)
def test_any_words_are_read_and_answered_in_bounded_time(moments: Kept[list[Talking]], parts: list[str], times: int, at: int) -> None:
    text = "".join(parts) * times
    talk = moments.value[at % len(moments.value)]
    with bounded():
        for found in talk.knowledge.vocabulary.read(text[:2000], NOW.date()):
            assert 0 <= found.start <= found.end
        turn = respond(State.from_json(talk.state.to_json()), Message(text), talk.knowledge, datetime(2026, 12, 31, 23, tzinfo=LOCAL), talk.own)
    assert turn.replies
    json.dumps(turn.conversation.to_json(), allow_nan=False)
