"""A person's own data: what a page of ours brought in, to have them, to take the consent back, and to have them erased."""

from __future__ import annotations

from dataclasses import replace

from dialogs import asking, cases, consent, frames, proceeding, rights
from dialogs.asking import mask
from dialogs.consent import PAGE_HOURS
from dialogs.conversation import Frame, State
from dialogs.messages import Option
from dialogs.scripts.request import CONTACT
from dialogs.talk import Erase, KeepPage, Talk, Unconsent

DATA = "/data/{page}"
"""Where a person can have what is kept of them; open for as long as the page for contact details."""
NO = "no"
"""What the button says that keeps everything."""


def awaits(state: State, run: str) -> bool:
    """Whether a dialog still waits for what its page asks for."""
    return _waiting(state, run) is not None


def _waiting(state: State, run: str) -> Frame | None:
    frame = next((f for f in state.frames if f.run == run and f.dialog == "request" and not f.done), None)
    return frame if frame is not None and "contact.consent" not in frame.answers else None


def filled(talk: Talk) -> None:
    """Take what was filled in on the page, with the consent given there, and go on in the chat."""
    fields, talk.hide = dict(talk.message.fields or {}), True
    frame = _waiting(talk.state, fields.pop("run", ""))
    if frame is None:
        talk.speak(talk.say("consent.too_late"))
        return
    talk.state = replace(frames.lift(talk.state, frame.run), consent=consent.record(talk), misses=0, pending="")
    talk.state = frames.answer(talk.state, talk.stage, {"contact.consent": "page", **fields})
    name, reach = (mask(fields.get(key, "")) for key in CONTACT)
    talk.speak(talk.say("consent.received", name=name, reach=reach))
    proceeding.proceed(talk)


def show(talk: Talk, _: str = "") -> None:
    """Say what is kept and what can be done with it."""
    if _in_group(talk):
        return
    say, given = talk.say, talk.state.consent
    agreed = "at" in given
    lines = [say("mine.here", count=len(talk.own))]
    if agreed:
        lines.append(say("mine.agreed", day=given["at"][:10], version=given["version"]))
    elif given:
        lines.append(say("mine.taken_back", day=given["given"][:10], withdrawn=given["withdrawn"][:10]))
    else:
        lines.append(say("mine.not_agreed"))
    options = [Option(say("mine.export"), "!export")]
    options += [Option(say("mine.unconsent"), "!unconsent")] if agreed or _with_contact(talk) else []
    talk.speak("\n".join(lines), (*options, Option(say("mine.erase"), "!erase")))
    talk.replies[-1] = replace(talk.replies[-1], link=consent.PRIVACY, link_label=say("consent.open_notice"))


def told_who(talk: Talk) -> bool:
    """Answer who handles personal data and whether others get them; in a form its question follows, elsewhere what is kept."""
    top = talk.state.top
    if not rights.asks_who(talk.text) or talk.message.group:
        return False
    talk.speak(talk.say("consent.who"))
    if top is not None and top.dialog == "request" and not top.done:
        asking.ask(talk)
    else:
        show(talk)
    return True


def export(talk: Talk, _: str = "") -> None:
    """Lead to the page with everything that is kept of the person."""
    if _in_group(talk):
        return
    if talk.message.private == "nowhere":  # no page of ours can be reached from there
        talk.speak(talk.say("mine.where_person"), (Option(talk.say("common.human"), "!human"),))
        proceeding.digressed(talk)
        return
    talk.effects.append(KeepPage(DATA, PAGE_HOURS, {"page": "data", "language": talk.say.language}))
    talk.speak(talk.say("mine.where", label=talk.say("mine.open"), hours=PAGE_HOURS))
    talk.replies[-1] = replace(talk.replies[-1], link=DATA, link_label=talk.say("mine.open"))
    proceeding.digressed(talk)


def unconsent(talk: Talk, _: str = "") -> None:
    """Take the consent back: contact details go, from the requests and from an open form; answers come in the chat."""
    if _in_group(talk):
        return
    held = _with_contact(talk)
    kept = tuple(_without_contact(f) if f.dialog == "request" and not f.done else f for f in talk.state.frames)
    if not (held or "at" in talk.state.consent or kept != talk.state.frames):
        talk.speak(talk.say("mine.no_consent"))
        return
    talk.effects += [Unconsent(c.number) for c in held]
    given = talk.state.consent.get("at") or next((c.dossier["consent"] for c in held if c.dossier.get("consent")), None)
    taken_back = {"given": given, "withdrawn": talk.now.isoformat(timespec="seconds")} if given else {}
    talk.state = replace(talk.state, consent=taken_back, frames=kept)
    numbers = talk.say.join([c.number for c in held])
    talk.speak(talk.say("mine.withdrawn_from", numbers=numbers) if held else talk.say("mine.withdrawn"))
    proceeding.digressed(talk)


def erase(talk: Talk, asked: str = "") -> None:
    """Erase everything that is kept of the person, once they confirmed it right after they read what goes and what stays."""
    if _in_group(talk):
        return
    say, this = talk.say, f"!erase:{asked}"
    if asked == NO:
        talk.tapped = say("mine.erase_no")
        _go_on(talk, say("mine.kept"))
        return
    if asked and any(payload == this for _, payload in talk.before.offered):
        talk.hide, talk.free, talk.tapped = True, False, say("mine.erase_yes")
        talk.replies.clear()
        talk.effects[:] = [Erase()]
        talk.state = State(turn=talk.state.turn, language=talk.state.language, knowledge=talk.state.knowledge)
        talk.speak(say("mine.erased"))
        return
    lines = [say("mine.erase_what")]
    if still_open := [c.number for c in talk.own if c.state not in cases.CLOSED]:
        lines.append(say("mine.erase_open", numbers=say.join(still_open)))
    lines.append(say("mine.erase_stays"))
    if talk.message.private != "here":
        lines.append(say("mine.erase_messenger"))
    lines.append(say("mine.erase_sure"))
    talk.speak("\n".join(lines), (Option(say("mine.erase_yes"), f"!erase:{talk.state.turn}"), Option(say("mine.erase_no"), f"!erase:{NO}")))


def answered(talk: Talk) -> bool:
    """Take a yes or no right after “erase everything?” or “my data” as theirs: it is no answer to a dialog that waits below them."""
    offered = [payload for _, payload in talk.before.offered]
    asked = next((p.removeprefix("!erase:") for p in offered if p.startswith("!erase:") and p != f"!erase:{NO}"), None)
    said = rights.says_of_erasure(talk.text) if asked else None
    if asked and said is not None:
        erase(talk, asked if said else NO)
    elif "!erase" in offered and rights.says_yes_or_no(talk.text):
        _go_on(talk, "" if talk.asking() is not None else talk.say("mine.which"))
    else:
        return False
    return True


def _go_on(talk: Talk, lead: str) -> None:
    """Say something and put what is open again, in full."""
    if talk.asking() is not None:
        asking.ask(talk, lead)
    else:
        talk.speak(lead)


def _in_group(talk: Talk) -> bool:
    """Whether it is a group, where nothing of one person is shown or done; that is said."""
    if talk.message.group:
        talk.speak(talk.say("mine.group"))
    return talk.message.group


def _with_contact(talk: Talk) -> list[cases.Case]:
    return [c for c in talk.own if c.dossier.get("contact") or cases.without_contact(c) != c]


def _without_contact(frame: Frame) -> Frame:
    """A form as it stood before the notice."""
    gone = {"contact.consent", *CONTACT}
    answers, dormant = ({k: v for k, v in kept.items() if k not in gone} for kept in (frame.answers, frame.dormant))
    return replace(frame, answers=answers, dormant=dormant, trail=tuple(k for k in frame.trail if k not in gone))
