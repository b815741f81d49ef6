"""Filing a request: the dossier that a person needs to answer without asking again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dialogs import cases, consent, dossier, frames, outcomes, phrases, rights, shortlists
from dialogs.asking import mask
from dialogs.messages import Option, masked
from dialogs.script import Outcome
from dialogs.scripts.approval_channel import Routes
from dialogs.scripts.park_selection import Shortlist
from dialogs.scripts.request import CONTACT
from dialogs.talk import AddNote, ChangeContact, FileRequest, Talk
from knowledge.precheck import Report
from knowledge.values import normalise, read_contacts

_ONLY_NUMBER = 10
"""Beside a number, words no longer than this say nothing but that it is new (把我的电话换成)."""


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
    data = {k: v if k in CONTACT else masked(v) for k, v in outcome.data.items()}
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
    case = next((c for c in talk.own if c.number == number and c.state not in cases.CLOSED), None)
    if case is None:
        talk.speak(talk.say("requests.other_number"))
        return
    note(talk, case, str(outcome.data))


def note(talk: Talk, case: cases.Case, text: str) -> None:
    """Add words to a request; a number or an address in them goes where it belongs, or nowhere without consent."""
    reach = reached(text)
    words = consent.without(text) if reach else text.strip()
    if reach:
        talk.hide = True
        contact(talk, reach, (case,))
    if words and not (reach and len(words) <= _ONLY_NUMBER and rights.changes_contact(words)):
        talk.effects.append(AddNote(case.number, words))
        talk.speak(talk.say("requests.noted", number=case.number))


def reached(text: str) -> str:
    """The first number or address of a text, or ""."""
    return next((str(f.value) for f in read_contacts(normalise(text))), "")


def contact(talk: Talk, reach: str, own: Sequence[cases.Case] | None = None) -> None:
    """Change the contact of the person's open requests that hold one, to `reach` where it was said; else say truly what can be done."""
    say = talk.say
    open_ones = [c for c in (talk.own if own is None else own) if c.state not in cases.CLOSED]
    held = [c for c in open_ones if c.dossier.get("contact")] if consent.agreed(talk.state) else []
    numbers = say.join([c.number for c in held])
    if held and talk.message.private != "here":
        talk.speak(say("requests.contact_elsewhere"), (Option(say("mine.unconsent"), "!unconsent"),))
    elif held and reach:
        talk.effects += [ChangeContact(c.number, reach) for c in held]
        talk.speak(say("requests.contact_changed", numbers=numbers, reach=mask(reach)))
    elif held:
        talk.speak(say("requests.contact_which", numbers=numbers))
    else:
        unkept = [say("requests.contact_unkept")] if reach else []
        text = say("requests.contact_none") if open_ones else say("requests.contact_nowhere")
        talk.speak("\n".join([*unkept, text]), (Option(say("common.file"), "!log:"),))


def corrects_contact(talk: Talk) -> bool:
    """Serve somebody who wants another number on what they filed (把我的电话换成…, 换个电话); an open form takes it itself."""
    if any(f.dialog == "request" and not f.done for f in talk.state.frames):
        return False
    reach = reached(talk.message.text)
    alone = bool(reach) and not consent.without(talk.message.text) and any(c.state not in cases.CLOSED for c in talk.own)
    if not (alone or rights.changes_contact(talk.text)):
        return False
    if phrases.is_question(talk.text) and not talk.own:
        return False
    talk.hide = bool(reach)
    contact(talk, reach)
    return True


def status(talk: Talk) -> None:
    """Say how this chat's own requests stand."""
    say = talk.say
    if not talk.own:
        talk.speak(say("requests.none"), (Option(say("common.file"), "!log:"),))
        return
    lines = [say("requests.yours")]
    for case in reversed(talk.own[-8:]):
        lines.append(say("requests.line", number=case.number, state=say(f"requests.state_{case.state}"), matter=masked(case.dossier["matter"])))
    still_open = [c for c in talk.own if c.state not in cases.CLOSED]
    options = tuple(Option(f"{say('common.add_note')} {c.number}", f"!note:{c.number}") for c in still_open[-3:])
    talk.speak("\n".join(lines), options)
