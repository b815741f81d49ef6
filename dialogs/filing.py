"""Filing a request: the dossier that a person needs to answer without asking again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialogs import cases, dossier, frames, outcomes, shortlists
from dialogs.asking import mask
from dialogs.messages import Option
from dialogs.script import Outcome
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from dialogs.scripts.request import CONTACT
from dialogs.talk import AddNote, FileRequest, Talk
from knowledge.precheck import Report


def matter_of(talk: Talk, about: str) -> str:
    """What a request is about, in words: a record, a finished dialog, or what the person just said."""
    say, knowledge = talk.say, talk.knowledge
    if about.startswith("run."):
        frame = next((f for f in talk.state.frames if f.run == about.removeprefix("run.")), None)
        outcome = talk.stage.run(frame).outcome if frame else None
        match outcome.data if outcome else None:
            case Report(region=region):
                return say("requests.matter_report", region=talk.voice.region_name(region))
            case Shortlist() as found:
                names = say.join([talk.voice.called(m.park) for m in found.parks])
                asked = shortlists.open_questions(talk.voice, found)
                parks = names or shortlists.wishes_of(talk.voice, found.wishes)
                return say("requests.matter_parks_ask", parks=parks, questions=asked) if asked else say("requests.matter_parks", parks=parks)
            case Routes(region=region, channels=channels):
                names = say.join([talk.voice.called(c) for c in channels[:3]])
                return say("requests.matter_routes", matter=names, region=talk.voice.region_name(region))
        return ""
    record = knowledge.record(about)
    if record is not None:
        return say("requests.matter_record", name=talk.voice.called(record), region=talk.voice.region_name(record.region))
    return ""


def file(talk: Talk, outcome: Outcome) -> None:
    """File the request with its dossier, and let go of the personal data in the conversation."""
    frame = talk.state.frames[-1]
    data = dict(outcome.data)
    contact = {k: data[k] for k in CONTACT if k in data}
    agreed = talk.state.consent if contact else {}
    body = {
        "matter": data["matter"],
        "company": data["contact.company"],
        "contact": contact,
        "consent": agreed.get("at"),
        "notice": {k: agreed[k] for k in ("version", "language", "channel")} if agreed else None,
        "language": talk.state.language,
        "profile": dict(talk.state.profile),
        "knowledge": talk.knowledge.version,
        "heard": list(talk.state.heard),
        **_background(talk, frame.about),
    }
    kind = _kind(talk, frame.about)
    talk.effects.append(FileRequest(kind, body))
    talk.state = frames.close(talk.state)
    talk.state = replace(talk.state, profile={**talk.state.profile, "contact.company": data["contact.company"]})
    told = {"number": "{request}", "matter": data["matter"], "company": data["contact.company"]}
    if contact:
        name, reach = (mask(contact.get(key, "")) for key in CONTACT)
        text = talk.say("requests.filed", **told, name=name, reach=reach)
    else:
        text = talk.say("requests.filed_chat", **told)
    talk.speak(text, (Option(talk.say("common.status"), "!status"),))


def _background(talk: Talk, about: str) -> dict[str, Any]:
    """The record or the finished dialog from which the request grew."""
    if about.startswith("run."):
        frame = next((f for f in talk.state.frames if f.run == about.removeprefix("run.")), None)
        if frame is not None:
            now = talk.stage.run(frame)
            answers = {a.question.key: a.token for a in now.trail if not a.question.private}
            found: dict[str, Any] = {"dialog": frame.dialog, "answers": answers}
            if now.outcome is not None and isinstance(now.outcome.data, Report):
                return {**found, "report": dossier.dossier(talk.voice, now.outcome.data, talk.now)}
            return {**found, "outcome": outcomes.to_json(now.outcome, talk.voice) if now.outcome else None}
    if (record := talk.knowledge.record(about)) is not None:
        sources = [{"document": s.document, "section": s.section, "title": s.title, "number": s.number} for s in talk.voice.tell(record).citations]
        return {"record": about, "citations": sources}
    return {}


def _kind(talk: Talk, about: str) -> str:
    if about.startswith("run."):
        frame = next((f for f in talk.state.frames if f.run == about.removeprefix("run.")), None)
        return frame.dialog if frame else "general"
    return "policy_check" if talk.knowledge.record(about) else "general"


def add_note(talk: Talk, outcome: Outcome) -> None:
    """Add the person's words to their request."""
    number = talk.state.frames[-1].about
    talk.state = frames.close(talk.state)
    if not any(c.number == number and c.state not in cases.CLOSED for c in talk.own):
        talk.speak(talk.say("requests.other_number"))
        return
    talk.effects.append(AddNote(number, str(outcome.data)))
    talk.speak(talk.say("requests.noted", number=number))


def status(talk: Talk) -> None:
    """Say how this chat's own requests stand."""
    say = talk.say
    if not talk.own:
        talk.speak(say("requests.none"), (Option(say("common.file"), "!log:"),))
        return
    lines = [say("requests.yours")]
    for case in reversed(talk.own[-8:]):
        lines.append(say("requests.line", number=case.number, state=say(f"requests.state_{case.state}"), matter=case.dossier["matter"]))
    still_open = [c for c in talk.own if c.state not in cases.CLOSED]
    options = tuple(Option(f"{say('common.add_note')} {c.number}", f"!note:{c.number}") for c in still_open[-3:])
    talk.speak("\n".join(lines), options)
