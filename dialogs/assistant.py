"""One turn of the talk, as a pure function: `respond(state, message, knowledge, now, cases)` → `Turn`.

The order in which a message is read is fixed: too fast → not text → sent twice → control word → button → about the open question itself
(what does it mean) → answer to it → correction or answers given ahead → another wish or a question → not understood.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from dialogs import (
    answering,
    as_of,
    asked_of,
    asking,
    cases,
    closing,
    consent,
    doubts,
    filing,
    frames,
    pace,
    personal,
    phrases,
    proceeding,
    repair,
    reports,
    taps,
    weighing,
    wishes,
)
from dialogs.conversation import Frame, State
from dialogs.messages import HIDDEN, Message, Option, Reply
from dialogs.talk import MAX_LENGTH, Talk, Turn
from dialogs.texts import texts
from knowledge.rules import generic
from knowledge.snapshot import Knowledge
from knowledge.values import normalise, read_contacts

_BYE = 3
"""Figures no longer than this may be a good-bye (88, 886); longer ones are none."""


def respond(state: State, message: Message, knowledge: Knowledge, now: datetime, own: tuple[cases.Case, ...] = ()) -> Turn:
    """Answer one message. `now` is aware; `own` are this chat's own requests."""
    if message.group and not message.addressed:
        return Turn(state, ())
    talk = Talk(state, carried := consent.stripped(message), knowledge, now, own)
    if pace.floods(talk):
        return talk.finish()
    if message.option is None and message.kind == "text":
        talk.hear(carried.text[:MAX_LENGTH])  # even what is too long or empty wants something, if only out of scope
    _catch_up(talk)
    before = talk.state.frames
    if carried is not message:
        talk.hide = True
        talk.speak(talk.say(f"consent.not_here_{message.private}"))
    if not _notice_changed(talk):
        _read(talk)
    doubts.ask_again(talk, state.doubt)
    pace.lead(talk, before)
    return talk.finish()


def trouble(state: State, message: Message, now: datetime) -> Turn:
    """The turn when `respond` itself failed: the person is told, nothing is lost, and 取消 still works."""
    say = texts(state.language)
    words = say("bad.trouble")
    options: tuple[Option, ...] = (Option(say("common.cancel"), "!cancel"),)
    if message.option == "!cancel" or phrases.control(message.text) in ("cancel", "again"):
        state, words, options = replace(state, frames=(), pending="", offered=()), say("dialog.all_cancelled"), ()
    reply = Reply(words, options, id=f"{state.turn + 1}.1")
    return Turn(replace(state, turn=state.turn + 1), (reply,), incoming={"kind": message.kind, "text": HIDDEN})


def notice_of(case: cases.Case, event: cases.Event) -> Reply:
    """What the founder is told of something that the team did."""
    say = texts(case.dossier.get("language", "zh"))
    number = len(case.events)
    options = (Option(say("common.add_note"), f"!note:{case.number}"), Option(say("common.status"), "!status"))
    if event.kind == "staff_reply":
        return Reply(say("requests.team_reply", number=case.number, text=event.text), options, by="team", id=f"{case.number}.{number}")
    text = say("requests.state_change", number=case.number, state=say(f"requests.state_{event.to}"), note=event.text)
    return Reply(text, options if case.state not in cases.CLOSED else options[1:], by="team", id=f"{case.number}.{number}")


def _notice_changed(talk: Talk) -> bool:
    """Whether the open form rests on a consent to another notice: then today's is shown before anything is taken as an answer to it."""
    before, talk.state = talk.state, consent.current(talk.state)
    if talk.state.top == before.top or phrases.control(talk.message.text) == "cancel" or talk.message.option == "!cancel":
        return False
    talk.hide = True
    talk.speak(talk.say("consent.changed"))
    asking.ask(talk)
    return True


def _read(talk: Talk) -> None:
    """The order of reading."""
    message, doubt = talk.message, talk.state.doubt
    talk.state = replace(talk.state, doubt=())
    if message.fields is not None:
        personal.filled(talk)
    elif message.option is not None:
        taps.tap(talk, message.option)
    elif message.kind != "text":
        talk.speak(talk.say(f"bad.{message.kind}"))
    elif not talk.text and talk.hide:
        asking.ask(talk)
    elif not talk.text:
        talk.speak(talk.say("bad.empty"))
    elif talk.long:
        talk.speak(talk.say("bad.too_long", length=len(message.text), limit=MAX_LENGTH))
    elif message.edits:
        if not answering.corrected(talk, edited=True):
            talk.speak(talk.say("bad.edited"))
    elif message.group and read_contacts(normalise(message.text)):
        talk.hide = True
        talk.speak(talk.say("bad.group_private"))
    elif pace.twice(talk):
        return
    elif case := _replied_case(talk):
        filing.note(talk, case, message.text)
    elif personal.answered(talk):
        return
    elif (payload := doubts.settled(talk, doubt)) or (payload := _typed_button(talk)) == "!leave":
        taps.tap(talk, payload)
    elif pace.greets(talk):
        proceeding.offer_resume(talk)
    elif verb := phrases.control(message.text):
        taps.command(talk, verb)
    elif payload:
        taps.tap(talk, payload)
    elif personal.told_who(talk):
        return
    elif filing.corrects_contact(talk):
        proceeding.digressed(talk)
    elif _stops_early(talk):
        taps.command(talk, "enough")
    elif (phrases.asks_for_report(talk.text) and proceeding.show_report(talk)) or weighing.asked(talk) or asked_of.asked(talk):
        proceeding.digressed(talk)
    elif repair.understood(talk) or as_of.asked(talk) or answering.answered(talk):
        return
    elif pace.wants_nothing(talk):
        proceeding.offer_resume(talk)
    elif not repair.in_form(talk):
        _serve(talk)


def _serve(talk: Talk) -> None:
    """A wish or a question; what it was tried as where it was not understood."""
    if phrases.is_figure(talk.text) and len(talk.text) > _BYE:
        talk.wants = talk.wants.without("thanks_bye")
    if phrases.chitchat(talk.text) == "bye" or (talk.asking() is None and talk.state.frames and phrases.says_nothing_more(talk.text)):
        closing.bye(talk)
    elif phrases.chitchat(talk.text) == "thanks" or (talk.wants.wishes == ("thanks_bye",) and not phrases.is_question(talk.text)):
        closing.thanks(talk)
    elif (rest := phrases.without_results(talk.text)) != talk.text and talk.wants.wishes in (("request_status",), ()):
        _results(talk, rest)
    else:
        if not phrases.speaks_of_change(talk.text):
            talk.wants = talk.wants.without("correction")  # it only looks like one (重点方向)
        wishes.free_text(talk)
        if talk.missed:
            repair.reasons(talk)
        proceeding.digressed(talk)


def _stops_early(talk: Talk) -> bool:
    """Whether somebody in an open pre-check or choice of a site wants no more questions, but what follows so far."""
    top = talk.state.top
    if top is None or top.done or top.dialog not in ("subsidy_precheck", "park_selection"):
        return False
    return phrases.stops_early(talk.text, money=top.dialog == "subsidy_precheck")


def _results(talk: Talk, rest: str) -> None:
    """“Show results first” said with other words: what follows so far of an open dialog, else those other words."""
    top = talk.state.top
    if top is not None and not top.done and top.dialog in frames.GUIDED:
        taps.command(talk, "enough")
    else:
        talk.hear(rest)
        wishes.free_text(talk)


def _typed_button(talk: Talk) -> str:
    """The payload of a button of the last turn whose label was typed, or ""; answers to the open question are read as such."""
    typed = phrases.bare(talk.text)
    payloads = [p for label, p in talk.state.offered if phrases.bare(normalise(label)) == typed and (p.startswith("!") or p.endswith("=!"))]
    return payloads[0] if payloads else ""


def _replied_case(talk: Talk) -> cases.Case | None:
    """The own, open request to whose notice this message is a reply."""
    number = (talk.message.reply_to or "").rpartition(".")[0]
    return next((c for c in talk.own if c.number == number and c.state not in cases.CLOSED), None)


def _catch_up(talk: Talk) -> None:
    """Forget a place that the knowledge lost, replay every dialog of the stack under what changed, and say what is different."""
    version = talk.knowledge.version
    if talk.state.knowledge not in ("", version):
        there = {"region": talk.knowledge.regions, "segment": talk.knowledge.segments}
        profile = {k: v for k, v in talk.state.profile.items() if k not in there or v in there[k]}
        before, talk.state = talk.state.frames, replace(talk.state, frames=(), profile=profile)
        for frame in before:
            talk.state = frames.settle(replace(talk.state, frames=(*talk.state.frames, frame)), talk.stage)
            _say_what_changed(talk, frame)
    talk.state = replace(talk.state, knowledge=version)


def _alike(was: str | None, is_: str | None) -> bool:
    """Whether a line of an outcome is the same; one of the first release knew no sum."""
    return was == is_ or (was is not None and is_ is not None and was.count(":") == 1 and is_.rpartition(":")[0] == was)


def _say_what_changed(talk: Talk, before: Frame) -> None:
    """A finished dialog whose outcome is another now, or an open one of which answers fell away."""
    frame = talk.state.frames[-1]
    now, name = talk.stage.run(frame), talk.say(f"dialog.{frame.dialog}")
    if before.done and now.outcome is not None:
        digest = reports.digest(now.outcome)
        was, is_ = dict(before.digest), dict(reports.digest(now.outcome, folded=True))
        differing = {key.split(":")[0]: None for key in (*dict(digest), *was) if not _alike(was.get(key), is_.get(key))}
        if changed := [talk.voice.called(r) if (r := talk.knowledge.record(i)) else i for i in differing]:
            talk.speak(talk.say("dialog.knowledge_changed", name=name, changes=talk.say.join(changed[:5])))
        talk.state = talk.state.with_top(replace(frame, digest=digest))
    elif lost := [k for k in before.trail if k not in frame.trail]:
        known = [talk.knowledge.facts[f].question[talk.say.language] if (f := generic(k)) in talk.knowledge.facts else k for k in lost]
        talk.speak(talk.say("dialog.knowledge_answers", name=name, questions=talk.say.join(known[:3])))
