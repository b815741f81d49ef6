"""Buttons: `!verb:argument`, or `run:key=token` for an answer (`run:~key=token` ticks one of several)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from dialogs import (
    answering,
    as_of,
    asked_of,
    asking,
    clashes,
    closing,
    filing,
    finding,
    frames,
    moves,
    personal,
    proceeding,
    products,
    reading,
    repair,
    reports,
    weighing,
    wishes,
)
from dialogs.script import ALL, UNKNOWN, BadTokenError, Choice, Choices
from dialogs.talk import Talk
from knowledge.precheck import Report
from knowledge.snapshot import citations

FIRST, LATER = 2000, 10
"""Days to judge by lie between this year and so many years from now."""


def tap(talk: Talk, payload: str) -> None:
    """A tapped button: `!verb:arg`, or `run:key=token` for an answer (`run:~key=token` ticks one of several)."""
    verb, _, argument = payload.removeprefix("!").partition(":")
    if payload.startswith("!") and verb in _TAPS:
        _TAPS[verb](talk, argument)
        return
    run, _, rest = payload.partition(":")
    key, _, token = rest.partition("=")
    top = talk.state.top
    if key and token and top is not None and top.run != run and any(f.run == run and not f.done for f in talk.state.frames):
        talk.state = frames.lift(talk.state, run)  # the keyboard of a dialog that waits below: back to it
        top = talk.state.frames[-1]
        talk.speak(talk.say("dialog.back_to", name=talk.say(f"dialog.{top.dialog}")))
    if payload.startswith("!") or not key or not token or len(payload.encode()) > 64:
        moves.stale(talk, "bad.forged")
    elif top is None or top.run != run:
        moves.stale(talk, "bad.stale")
    elif key.startswith("~"):
        _tick(talk, key[1:], token)
    else:
        _choose(talk, key, token)


def _choose(talk: Talk, key: str, token: str) -> None:
    """Answer the open question or change an earlier answer by its button."""
    top = talk.state.frames[-1]
    question = talk.asking()
    if question is None or question.key != key:
        question = next((a.question for a in talk.stage.run(top).trail if a.question.key == key), None)
        if question is None:
            moves.stale(talk, "bad.stale")
            return
    if key == "confirm" and not any(payload.startswith(f"{top.run}:{key}=") for _, payload in talk.before.offered):
        asking.ask(talk)  # other things were shown since: the summary again before it is filed
        return
    if token == "!":
        token = ",".join(asking.ticked(question, top.draft))
        if not token:
            talk.speak(talk.say("dialog.no_ticks"))
            asking.ask(talk)
            return
    if token == "^":
        token = top.dormant.get(key, "")
    try:
        question.value(token)
    except BadTokenError:
        moves.stale(talk, "bad.forged")
        return
    talk.tapped = asking.label(talk, question, token)
    changed = key in top.trail and top.answers.get(key) != token
    if key in top.trail and not changed:  # tapped twice, or “still A” to a doubt
        proceeding.proceed(talk)
        return
    talk.state = replace(frames.answer(talk.state, talk.stage, {key: token}), misses=0)
    if token == UNKNOWN and not talk.stage.run(talk.state.frames[-1]).outcome:
        talk.speak(talk.say("dialog.without"))
    elif changed:
        talk.speak(talk.say("dialog.changed", label=asking.label(talk, question, token)))
    proceeding.proceed(talk)


def _tick(talk: Talk, key: str, token: str) -> None:
    """Tick or untick one of several choices; the answer counts when “done” is tapped."""
    top, question = talk.state.frames[-1], talk.asking()
    if isinstance(question, Choice) and question.key == key and token in question.within:
        talk.tapped = talk.say("common.more") if token == ALL else asking.label(talk, question, token)
        talk.state = talk.state.with_top(replace(top, draft="" if top.draft == token else token))
        asking.ask(talk)
        return
    if question is None or question.key != key or not isinstance(question, Choices):
        moves.stale(talk, "bad.stale")
        return
    ticked = set(top.draft.split(",")) ^ {token} if top.draft else {token}
    ordered = [t for t, _ in question.choices if t in ticked]
    if token != ALL and token not in dict(question.choices):
        moves.stale(talk, "bad.forged")
        return
    talk.tapped = talk.say("common.more") if token == ALL else asking.label(talk, question, token)
    shown = [ALL] if ALL in ticked or (token == ALL) else []
    talk.state = talk.state.with_top(replace(top, draft=",".join([*ordered, *shown])))
    asking.ask(talk, talk.say("dialog.ticked", labels=talk.say.join([asking.label(talk, question, t) for t in ordered])) if ordered else "")


def _start(talk: Talk, dialog: str) -> None:
    if dialog not in frames.GUIDED:
        moves.stale(talk, "bad.forged")
        return
    talk.tapped = talk.say(f"dialog.{dialog}")
    if talk.state.top is not None and talk.state.top.done:
        closing.offer(talk)
    moves.start(talk, dialog, {})


def _show(talk: Talk, record_id: str) -> None:
    record = talk.knowledge.record(record_id)
    if record is None:
        moves.stale(talk, "bad.stale")
        return
    talk.tapped = talk.voice.called(record)
    finding.tell(talk, record)


def _full(talk: Talk, record_id: str) -> None:
    record = talk.knowledge.record(record_id)
    if record is None:
        moves.stale(talk, "bad.stale")
        return
    talk.tapped = talk.say("common.expand")
    talk.replies.append(talk.voice.tell(record, full=True))


def _original(talk: Talk, record_id: str) -> None:
    record = talk.knowledge.record(record_id)
    if record is None or not any(talk.knowledge.passage(c) for c in citations(record)):
        moves.stale(talk, "bad.stale")
        return
    talk.tapped = talk.say("common.original")
    talk.replies.append(talk.voice.original(record))


def _basis(talk: Talk, argument: str) -> None:
    run, _, start_at = argument.partition(".")
    frame = next((f for f in talk.state.frames if f.run == run and f.done), None)
    outcome = talk.stage.run(frame).outcome if frame else None
    if outcome is None or not isinstance(outcome.data, Report) or not start_at.isdigit():
        moves.stale(talk, "bad.stale")
        return
    talk.replies.append(reports.basis(talk.voice, outcome.data, run, int(start_at)))


def _as_of(talk: Talk, day: str) -> None:
    try:
        when = date.fromisoformat(day)
        if not FIRST <= when.year <= talk.now.year + LATER:
            raise ValueError("no paper speaks of that day")
        as_of.judge(talk, when)
    except ValueError:
        moves.stale(talk, "bad.forged")


def _set(talk: Talk, argument: str) -> None:
    given = products.tapped(talk, argument)
    if given is None:
        moves.stale(talk, "bad.stale")
        return
    talk.tapped = next((label for label, payload in talk.state.offered if payload == f"!set:{argument}"), None)
    products.amend(talk, given)


def _hold(talk: Talk, argument: str) -> None:
    if not clashes.held(talk, argument):
        moves.stale(talk, "bad.stale")
        return
    talk.tapped = next((label for label, payload in talk.state.offered if payload == f"!hold:{argument}"), None)
    proceeding.proceed(talk)


def _weigh(talk: Talk, argument: str) -> None:
    if not weighing.tapped(talk, argument):
        moves.stale(talk, "bad.stale")


def _so(talk: Talk, argument: str) -> None:
    if not asked_of.tapped(talk, argument):
        moves.stale(talk, "bad.stale")


def _take(talk: Talk, _: str = "") -> None:
    """The words that waited were an answer."""
    question, words = talk.asking(), talk.state.pending
    if question is None or not words:
        moves.stale(talk, "bad.stale")
        return
    talk.hide = question.private
    read = reading.read_answer(question, words, (), talk.stage.today)
    if not isinstance(read, reading.Answer):
        moves.stale(talk, "bad.stale")
        return
    answering.take(talk, question, read)


def _asked(talk: Talk, _: str = "") -> None:
    """The words that waited were a question."""
    words = talk.state.pending
    if not words:
        moves.stale(talk, "bad.stale")
        return
    talk.state = replace(talk.state, pending="")
    talk.hear(words)
    wishes.free_text(talk)


_TAPS: Mapping[str, Callable[[Talk, str], None]] = MappingProxyType(
    {
        "start": _start,
        "show": _show,
        "full": _full,
        "text": _original,
        "place": wishes.place,
        "wish": wishes.clarify,
        "basis": _basis,
        "edit": moves.edit,
        "back": moves.back,
        "again": moves.again,
        "cancel": moves.cancel,
        "resume": moves.resume,
        "leave": moves.leave,
        "take": _take,
        "asked": _asked,
        "note": moves.note,
        "human": moves.human,
        "log": moves.log,
        "status": lambda talk, _: filing.status(talk),
        "why": moves.why,
        "withdraw": moves.withdraw,
        "enough": moves.enough,
        "more": moves.more,
        "asof": _as_of,
        "rate": closing.rate,
        "set": _set,
        "weigh": _weigh,
        "hold": _hold,
        "so": _so,
        "mine": personal.show,
        "export": personal.export,
        "unconsent": personal.unconsent,
        "erase": personal.erase,
    }
)


def command(talk: Talk, verb: str) -> None:
    """A control word."""
    match verb:
        case "help":
            moves.explain(talk)
            proceeding.offer_resume(talk)
        case "repeat":
            repair.repeat(talk)
        case "file":
            moves.log(talk, "")
        case "why" if talk.asking() is None and (weighing.asked(talk) or asked_of.asked(talk)):
            pass
        case _:
            _TAPS[verb](talk, "")
