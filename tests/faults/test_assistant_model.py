"""The whole assistant against a model of it: any message, any button, any time, knowledge that changes, persons side by side."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from dialogs import cases, frames
from dialogs.assistant import respond
from dialogs.conversation import Frame, State
from dialogs.frames import Stage
from dialogs.messages import Message, Reply
from dialogs.reports import WHOLE
from dialogs.script import Question
from dialogs.talk import MAX_LENGTH, Turn
from dialogs.texts import texts
from dialogs.turns import LOCAL, Handled, Library, Turns, _case
from knowledge import loader
from knowledge.snapshot import Knowledge, citations
from storage.contract import Address, Snapshot
from storage.memory import MemoryStore
from tests.faults.conftest import Measured, Scale

ALONE, TERMINAL = Address("web", "v1", "v1"), Address("console", "u1", "u1")
GROUP = (Address("telegram", "-1", "7"), Address("telegram", "-1", "8"))
EVERYBODY = (ALONE, TERMINAL, *GROUP)
BEGUN = datetime(2026, 12, 30, 23, 40, tzinfo=LOCAL)
CONTROL = re.split(
    " ",
    "取消 返回 重来 帮助 转人工 进度 先停一下 继续 改答案 为什么 再说一遍 看结果 登记 撤回 你好 谢谢 再见 跳过 不清楚 不知道 什么意思 是 不是 没有 都没有 同意 确认 不同意 cancel back "
    "help status skip yes no why",
)
ANSWERS = re.split(
    " ",
    "太仓 昆山 苏州高新区 徐州 苏州 高新区 太仓还是昆山 都可以 体外诊断 细胞治疗 三类 二类 两个三类证一个二类证 新取得医疗器械注册证 新取得医疗器械注册证、PCT 生产 孵化 检验检测 3000万 3000万美元 "
    "-500万 5亿元 2023年 2022-12-31 今年 去年 3个 没有产品 初创 高企 不对，是昆山 不对，是三类 改成二类 产品2是二类 删掉第一个产品 按2022年算 能拿多少 还差什么 为什么不是昆山 娄城贷是什么 "
    "太仓，另外娄城贷是什么 测试医疗公司 想了解娄城贷 88 0 , ， ?",
)
STARTS = (
    "!start:park_selection",
    "!start:subsidy_precheck",
    "!start:approval_channel",
    "!human",
    "!status",
    "!withdraw:",
    "!edit",
    "!back",
    "!enough:",
    "!resume",
    "!again",
)
KINDS = st.sampled_from(["voice", "photo", "file", "sticker"])
_T = TypeVar("_T")


def now_(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a turn over the memory store, which never waits for anything."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("a turn over the memory store waited")


def sentences() -> list[str]:
    """What founders say."""
    file = Path(__file__).parents[1] / "understanding" / "messages.tsv"
    return [line.split("\t")[1] for line in file.read_text(encoding="utf-8").splitlines()[1:]]


def editions(shipped: Knowledge) -> list[Knowledge]:
    """The shipped knowledge, then one without a region's papers, one without a region, and one in which options and a region bear other ids."""
    files, _ = loader.read_folder(loader.SHIPPED)
    fewer = {name: data for name, data in files.items() if not name.startswith("xuzhou/")}
    without = {name: re.sub(rb"  - \{id: xuzhou, .*\n", b"", data) for name, data in fewer.items()}
    options = rb"\b(new_device_certificate|industrial_project|hnte|device)\b(?=[],}\n])"
    renamed = {name: re.sub(options, rb"other_\1", re.sub(rb"\bsnd-(?=[a-z])", b"new-snd-", data)) for name, data in files.items()}
    return [shipped, *(loader.of_files(f) for f in (fewer, without, renamed))]


class Watched(Turns):
    """Turns that look at each turn while it is made: pure, without an error, complete as JSON."""

    def _respond(self, snapshot: Snapshot, message: Message, now: datetime) -> Turn:
        assert self.library is not None
        state, own = State.from_json(snapshot.conversation.body), tuple(map(_case, snapshot.requests))
        turn = respond(state, message, self.library.knowledge, now, own)  # an exception in it ends the test
        same = turn == super()._respond(snapshot, message, now)  # compared here: what differs would fill pages
        assert same, "the same, twice"
        kept = State.from_json(json.loads(json.dumps(turn.conversation.to_json(), ensure_ascii=False, allow_nan=False))) == turn.conversation
        assert kept, "the state survives its JSON"
        if turn.outcome is not None:
            json.dumps(turn.outcome(), ensure_ascii=False, allow_nan=False)
        return turn


@dataclass
class Person:
    """What the model knows of somebody."""

    filed: int = 0
    numbers: set[str] = field(default_factory=set)
    withdrawn: int = 0
    buttons: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    updates: dict[str, tuple[Message, Mapping[str, Any]]] = field(default_factory=dict)


class Errors(logging.Handler):
    """Every line that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {self.format(record)}")


class Assistant(RuleBasedStateMachine):
    """Everything that people, the team and admins can do, in any order."""

    knowledge: ClassVar[list[Knowledge]]
    said: ClassVar[list[str]]
    cited: ClassVar[list[set[tuple[str, str]]]]
    documents: ClassVar[set[str]]
    steps: ClassVar[int] = 0
    tapped: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now, self.edition, self.count = BEGUN, 0, 0
        self.library = Library(self.knowledge[0])
        self.turns = Watched(MemoryStore(), self.library, lambda: self.now)
        self.people = {address: Person() for address in EVERYBODY}
        self.log = Errors()
        logging.getLogger().addHandler(self.log)

    def teardown(self) -> None:
        logging.getLogger().removeHandler(self.log)
        for address in EVERYBODY:
            self._gets_out(address)

    # -- what happens

    @rule(who=st.sampled_from(EVERYBODY), text=st.one_of(st.sampled_from(CONTROL), st.sampled_from(ANSWERS)), addressed=st.booleans())
    def says(self, who: Address, text: str, addressed: bool) -> None:
        self._send(who, Message(text), addressed)

    @rule(who=st.sampled_from(EVERYBODY), data=st.data())
    def says_a_sentence(self, who: Address, data: st.DataObject) -> None:
        self._send(who, Message(data.draw(st.sampled_from(self.said))))

    @rule(who=st.sampled_from((ALONE, TERMINAL)), data=st.data(), ends=st.sampled_from(["", "，", "？", "。另外", " ", "\n"]))
    def says_two_things(self, who: Address, data: st.DataObject, ends: str) -> None:
        part = st.one_of(st.sampled_from(CONTROL), st.sampled_from(ANSWERS), st.sampled_from(self.said))
        self._send(who, Message(data.draw(part) + ends + data.draw(part)))

    @rule(who=st.sampled_from(EVERYBODY), text=st.text(max_size=60), times=st.sampled_from([1, 1, 1, 40]))
    def says_nonsense(self, who: Address, text: str, times: int) -> None:
        self._send(who, Message(text * times))

    @rule(who=st.sampled_from(EVERYBODY), position=st.integers(0, 11))
    def taps(self, who: Address, position: int) -> None:
        shown = [payload for _, payload in self._state(who).offered]
        self._send(who, Message(option=shown[position % len(shown)] if shown else STARTS[position % len(STARTS)]))

    @rule(who=st.sampled_from((ALONE, TERMINAL)), position=st.integers(0, 11), times=st.integers(2, 6))
    def goes_on(self, who: Address, position: int, times: int) -> None:
        for n in range(times):
            self.taps(who, position + n)

    @rule(who=st.sampled_from(EVERYBODY), payload=st.sampled_from(STARTS))
    def begins(self, who: Address, payload: str) -> None:
        self._send(who, Message(option=payload))

    @rule(who=st.sampled_from(EVERYBODY), age=st.integers(0, 400))
    def taps_an_old_button(self, who: Address, age: int) -> None:
        old = [b for p in self.people.values() for b in p.buttons]
        if old:
            self._send(who, Message(option=old[-1 - age % len(old)]))

    @rule(who=st.sampled_from((ALONE, TERMINAL)), data=st.data())
    def answers(self, who: Address, data: st.DataObject) -> None:
        """Any answer that the open question has, by its button or in words."""
        frame, question = self._open(who)
        if question is None or frame is None:
            return
        token = data.draw(st.sampled_from(question.samples()))
        words = dict(question.choices)
        said = words[token].zh if token in words and data.draw(st.booleans()) else token
        tap = Message(option=f"{frame.run}:{question.key}={token}"[:64]) if data.draw(st.booleans()) else Message(said)
        self._send(who, tap if not question.private else Message(self._secret(who, question.key)))

    @rule(who=st.sampled_from((ALONE, TERMINAL)), how=st.integers(0, 3))
    def confides(self, who: Address, how: int) -> None:
        """A name or a number where one is asked for, or in other words than asked."""
        frame, question = self._open(who)
        if question is not None and question.private:
            secret = self._secret(who, question.key)
            form = ("{}", "{}", "我叫{}", "称呼改成{}") if question.key == "contact.name" else ("{}", "电话{}", "我的号码是 {}", "微信同号 {}")
            self._send(who, Message(form[how].format(secret)))
        elif frame is None or frame.dialog != "request":
            secret = self._secret(who, "contact.reach")
            forms = ("帮我登记，电话{}", "{}", "太仓有什么补贴，打我电话{}", "登记一下，想了解娄城贷，号码{}")
            self._send(who, Message(forms[how].format(secret)))

    @rule(who=st.sampled_from((ALONE, TERMINAL)), about=st.sampled_from(["", "words"]), agreed=st.sampled_from([True, True, True, False]))
    def files_a_request(self, who: Address, about: str, agreed: bool) -> None:
        self._send(who, Message(option=f"!log:{about}"))
        for _ in range(9):
            frame, question = self._open(who)
            if frame is None or question is None or frame.dialog != "request":
                return
            said = {"matter": "想了解娄城贷", "contact.company": "测试医疗公司"}.get(question.key) or self._secret(who, question.key)
            token = {"contact.consent": "yes" if agreed else "no", "confirm": "file"}.get(question.key)
            self._send(who, Message(option=f"{frame.run}:{question.key}={token}") if token else Message(said))

    @rule(who=st.sampled_from(EVERYBODY), kind=KINDS, caption=st.sampled_from(["", "太仓"]))
    def sends_no_text(self, who: Address, kind: Any, caption: str) -> None:
        self._send(who, Message(caption, kind=kind))

    @rule(who=st.sampled_from(EVERYBODY), text=st.sampled_from(ANSWERS), data=st.data())
    def edits_or_replies(self, who: Address, text: str, data: st.DataObject) -> None:
        numbers = [r.number for r in now_(self.turns.store.requests())]
        to = data.draw(st.sampled_from([f"{n}.0" for n in numbers])) if numbers else None
        self._send(who, Message(text, reply_to=to) if data.draw(st.booleans()) else Message(text, edits="3"))

    @rule(
        who=st.sampled_from(EVERYBODY),
        words=st.sampled_from(["what parks are there in Taicang", "how much can we get for a class III certificate", "太倉有什麼補貼"]),
    )
    def switches_language(self, who: Address, words: str) -> None:
        self._send(who, Message(words))

    @rule(who=st.sampled_from(EVERYBODY), data=st.data())
    def comes_twice(self, who: Address, data: st.DataObject) -> None:
        """A channel delivers an update again, perhaps long after."""
        person = self.people[who]
        if not person.updates:
            return
        update_id = data.draw(st.sampled_from(sorted(person.updates)))
        message, result = person.updates[update_id]
        before = self._kept(who)
        again = now_(self.turns.handle(who, message, update_id, now=self.now, pull=who.channel == "console"))
        assert again.duplicate
        same = again.result == result and self._kept(who) == before
        assert same, "the same answer, and nothing else"

    @rule(minutes=st.sampled_from([0, 1, 20, 24 * 60, 40 * 24 * 60, 366 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now = min(self.now + timedelta(minutes=minutes), datetime(2036, 1, 1, tzinfo=LOCAL))

    @rule(days=st.sampled_from([1, 400]))
    def the_clock_goes_back(self, days: int) -> None:
        self.now = max(self.now - timedelta(days=days), datetime(2020, 1, 1, tzinfo=LOCAL))

    @rule(edition=st.integers(0, 3))
    def knowledge_changes(self, edition: int) -> None:
        self.edition, self.library.knowledge = edition, self.knowledge[edition]

    @precondition(lambda self: any(p.filed for p in self.people.values()))
    @rule(data=st.data(), text=st.sampled_from(["看了，请补一份章程", "可以，{request}", ""]))
    def the_team_works(self, data: st.DataObject, text: str) -> None:
        request = data.draw(st.sampled_from(now_(self.turns.store.requests())))
        to = data.draw(st.sampled_from([None, *cases.State]))
        event = cases.Event("state", self.now, "team", text, to) if to else cases.Event("staff_reply", self.now, "team", text)
        try:
            case = now_(self.turns.advance(request.number, event))
        except cases.CaseError:
            same = now_(self.turns.store.request(request.number)) == request
            assert same, "what is not allowed changes nothing"
            return
        assert case is not None
        assert case.state == (to or case.state)
        assert len(case.events) == len(request.body["events"]) + 1

    # -- what always holds

    def _send(self, who: Address, message: Message, addressed: bool = True) -> None:
        """Say it, and look at what came of it."""
        person = self.people[who]
        self.count += 1
        self.now += timedelta(seconds=7)
        group = who in GROUP
        sent = replace(message, group=group, addressed=addressed or not group, at=None if who is TERMINAL else self.now)
        before, question, update = self._state(who), self._open(who)[1], f"update-{self.count}"
        handled = now_(self.turns.handle(who, sent, update, now=self.now, pull=who is TERMINAL))
        type(self).steps += 1
        person.updates[update] = sent, handled.result
        assert not handled.duplicate
        replies = [r for r in handled.result["replies"] if r["by"] == "bot"]
        state = self._state(who)
        assert replies or not sent.addressed or state.flooded, "every message is answered"
        self._said(handled, state.language)
        self._numbers(who, before, question)
        self._hidden(who, handled, state)
        self._buttons(who, state, replies)
        if group:
            asked = self._open(who)[1]
            assert asked is None or not asked.private, "nothing private is asked in a group"
        if self.count % 5 == 0:
            self._goes_back_and_on(state)
            self._gets_out(who)
        assert not [line for line in self.log.lines if line.startswith(("ERROR", "CRITICAL", "WARNING"))]

    def _said(self, handled: Handled, language: str) -> None:
        """No trouble, no slot left open, sources that exist, buttons that fit."""
        for body in handled.result["replies"]:
            reply = Reply.from_json(body)
            assert reply.text.strip()
            assert texts("zh")("bad.trouble") not in reply.text
            assert texts("en")("bad.trouble") not in reply.text
            assert reply.by == "team" or not re.search(r"\{[a-z_.]+\}", reply.text), "every slot is filled"
            for citation in reply.citations:
                assert citation.section == WHOLE or any((citation.document, citation.section) in cited for cited in self.cited)
                assert citation.document in self.documents
            for option in reply.options:
                assert option.label.strip()
                assert 0 < len(option.payload.encode()) <= 64
                assert "{" not in option.payload

    def _numbers(self, who: Address, before: State, question: Question[Any] | None) -> None:
        """A request is filed where its read-back was confirmed, one at a time, each with a number of its own."""
        person, requests = self.people[who], now_(self.turns.store.requests())
        own = [r for r in requests if r.address == who]
        assert len({r.number for r in requests}) == len(requests)
        if not own and person.filed:  # erased: the requests are nobody's now
            assert not self._state(who).frames
            person.filed = 0
        if len(own) > person.filed:
            assert question is not None
            assert question.key == "confirm", "nothing is filed but from its read-back"
            assert len(own) == person.filed + 1
            (filed,) = (r for r in own if r.number not in person.numbers)  # not the newest: the clock may have gone back
            dossier = filed.body["dossier"]
            assert bool(dossier["contact"].get("contact.reach")) is bool(dossier["consent"])
            person.filed += 1
            person.numbers.add(filed.number)
        assert {a: sum(r.address == a for r in requests) for a in EVERYBODY} == {a: p.filed for a, p in self.people.items()}
        assert who not in GROUP or not own

    def _hidden(self, who: Address, handled: Handled, state: State) -> None:
        """What was told in confidence stands in the open form and in the filed request, and nowhere else."""
        person = self.people[who]
        if not person.secrets:
            return
        open_form = any(f.dialog == "request" for f in state.frames)
        kept = replace(state, frames=()) if open_form else state
        lines = now_(self.turns.store.transcript(who, 6))
        shown = json.dumps([handled.result, kept.to_json(), *(line.body for line in lines), self.log.lines], ensure_ascii=False)
        unanswered = [u.text for u in now_(self.turns.store.unanswered())]
        for secret in person.secrets:
            assert secret not in shown
            assert not any(secret in text for text in unanswered)

    def _buttons(self, who: Address, state: State, replies: list[Mapping[str, Any]]) -> None:
        """Every button that is shown can be tapped, now."""
        shown = [o["payload"] for r in replies for o in r["options"]]
        self.people[who].buttons += shown
        own = tuple(_case(r) for r in now_(self.turns.store.load(who)).requests)
        for payload in dict.fromkeys(shown):
            turn = respond(state, Message(option=payload, group=who in GROUP), self.library.knowledge, self.now, own)
            type(self).tapped += 1
            assert turn.replies
            stale = [texts(turn.conversation.language)(k) for k in ("bad.stale", "bad.forged")]
            assert not any(s in turn.replies[0].text for s in stale), payload

    def _goes_back_and_on(self, state: State) -> None:
        """Taking an answer back and giving it again leads to where one was."""
        stage, top = Stage(self.library.knowledge, self.now.date()), state.top
        if top is None or not top.trail:
            return
        key = top.trail[-1]
        back = frames.reopen(state, stage, key)
        assert key not in back.frames[-1].answers
        again = frames.answer(back, stage, {key: top.answers[key]})
        assert again.frames[-1].answers == top.answers
        assert again.frames[-1].trail == top.trail
        assert again.frames[-1].done == top.done

    def _gets_out(self, who: Address) -> None:
        """取消 leads out of whatever is open, one dialog at a time."""
        state = self._state(who)
        own = tuple(_case(r) for r in now_(self.turns.store.load(who)).requests)
        for _ in range(len(state.frames) + 1):
            turn = respond(state, Message("取消"), self.library.knowledge, self.now, own)
            assert turn.replies
            assert len(turn.conversation.frames) < len(state.frames) or not state.frames
            state = turn.conversation
        assert not state.frames

    # -- what the model sees

    def _state(self, who: Address) -> State:
        return State.from_json(now_(self.turns.store.load(who)).conversation.body)

    def _open(self, who: Address) -> tuple[Frame | None, Question[Any] | None]:
        top = self._state(who).top
        if top is None or top.done:
            return top, None
        return top, Stage(self.library.knowledge, self.now.date()).run(top).asking

    def _kept(self, who: Address) -> tuple[Any, ...]:
        snapshot = now_(self.turns.store.load(who))
        return snapshot.conversation, snapshot.requests, now_(self.turns.store.transcript(who))

    def _secret(self, who: Address, key: str) -> str:
        """A name or a number that nobody else has."""
        self.count += 1
        digits = f"{self.count:04d}"
        if key == "contact.name":
            secret = "钟" + "".join("甲乙丙丁戊己庚辛壬癸"[int(d)] for d in digits[1:])
        else:
            secret = f"139{digits}{digits}" if self.count % 2 else f"geheim{digits}@example.com"
        self.people[who].secrets.add(secret)
        return secret


@pytest.fixture(scope="module")
def machine(knowledge: Knowledge) -> type[Assistant]:
    Assistant.knowledge, Assistant.said = editions(knowledge), sentences()
    Assistant.cited = [{(c.document, c.section) for r in k.answerable() for c in citations(r)} for k in Assistant.knowledge]
    Assistant.documents = {d for k in Assistant.knowledge for d in k.documents}
    return Assistant


def test_whatever_is_said_and_done_the_assistant_keeps_its_promises(machine: type[Assistant], scale: Scale, measured: Measured) -> None:
    assert len("，".join(ANSWERS)) < MAX_LENGTH
    machine.steps = machine.tapped = 0
    run_state_machine_as_test(machine, settings=settings(max_examples=scale(20, 400), stateful_step_count=scale(40, 60)))
    measured(
        "any messages, taps, repeats, time and knowledge, in any order (model-based)",
        "each is answered, nothing fails, nothing private shows",
        f"{machine.steps:,} turns and {machine.tapped:,} buttons tried, 0 broken",
    )
