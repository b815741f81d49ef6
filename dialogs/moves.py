"""Moves in a talk: starting, going back, correcting, leaving; asked for by a button, a control word, or in free text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from dialogs import asking, cases, closing, consent, filing, finding, frames, phrases, proceeding
from dialogs.answers import cut, fit
from dialogs.messages import HIDDEN, Option, masked
from dialogs.script import UNKNOWN, Choices, Items
from dialogs.scripts.regions import ANY
from dialogs.scripts.request import CONTACT
from dialogs.talk import Talk, Withdraw

_CALLED = re.compile(r"(?:我叫|我是|姓名|联系人|my name is |i am )[:：]?\s?([\u4e00-\u9fff]{2,4}(?=[,，。;；\s\d]|$)|[A-Z][a-z]+(?: [A-Z][a-z]+)?)")
_ASKING_FOR = re.compile(
    r"(?:行吧|好吧|那你?|请|麻烦)*(?:帮|给|替)?我?(?:要|想)?登记(?:一下|一个)?(?:请求)?|(?:让|请|叫|找)?(?:人|专员|你们)?(?:给|跟)我?(?:回)?打个?电话|联系我|电话|手机|邮箱"
)
_BRIEF = 4
"""Words no longer than this are no matter of their own."""


def stale(talk: Talk, key: str) -> None:
    """One line for a button that means nothing any more, then what is open now."""
    talk.speak(talk.say(key))
    if talk.asking() is not None:
        asking.ask(talk)


def start(talk: Talk, dialog: str, given: Mapping[str, str], hinted: Mapping[str, str] | None = None) -> None:
    """Begin a guided dialog with what the person already said; one that waits below is gone on with where nothing new was said."""
    top = talk.state.top
    waiting = next((f for f in talk.state.frames if f.dialog == dialog and not f.done and f.trail and f is not top), None)
    if waiting is not None and not given:
        talk.state = replace(frames.lift(talk.state, waiting.run), misses=0)
        asking.ask(talk, talk.say("dialog.back_to", name=talk.say(f"dialog.{dialog}")))
        return
    given = {k: v for k, v in given.items() if k != "region" or v}
    talk.state = replace(frames.start(talk.state, talk.stage, dialog, given, hinted=hinted), misses=0)
    if given and (words := asking.labels(talk, {k: v for k, v in given.items() if k != "products" or "," in v})):
        talk.speak(talk.say("dialog.noted", facts=words))
    proceeding.proceed(talk)


def starts(talk: Talk) -> tuple[Option, ...]:
    """The ways in: the three guided dialogs and a person."""
    guided = (Option(talk.say(key), f"!start:{name}") for name, key in finding.STARTS.items())
    return (*guided, Option(talk.say("common.human"), "!human"))


def explain(talk: Talk) -> None:
    """Say what can be done here; with it, the way to one's own data."""
    talk.speak(talk.say("greeting.help"), (*starts(talk), Option(talk.say("mine.entry"), "!mine")))


def greet(talk: Talk) -> None:
    """Say hello and what can be done; in the middle of something, in one line and back to the open question."""
    if talk.asking() is not None:
        talk.speak(talk.say("greeting.here"))
        asking.ask(talk)
        return
    talk.speak(talk.say("greeting.hello"), starts(talk))


def edit(talk: Talk, argument: str) -> None:
    """Offer the answers of the top dialog to change, or reopen the one that was picked (`run.key`)."""
    run, _, key = argument.partition(".")
    top = talk.state.top
    if top is None or not top.trail or (run and top.run != run):
        talk.speak(talk.say("dialog.nothing_to_change"))
        return
    if key in top.trail:
        _ask_again(talk, key)
        return
    trail = [
        a
        for a in talk.stage.run(top).trail
        if a.question.key not in ("confirm", "enough") and not (a.question.private and talk.message.private != "here")
    ]
    options = []
    for asked in trail:
        title = asked.question.fact.question[talk.say.language].rstrip("？?")
        said = asking.label(talk, asked.question, asked.token)
        shown = talk.voice.colon(cut(title, 28), cut(said, 24)) if talk.voice.english else cut(f"{cut(title, 12)}：{said}", 26)
        options.append(Option(shown, fit(f"!edit:{top.run}.{asked.question.key}")))
    talk.speak(talk.say("dialog.ask_change"), tuple(options))


def _ask_again(talk: Talk, key: str) -> None:
    """Ask a question of the trail again; the day to judge by is never asked for: it is today again."""
    talk.state = frames.reopen(talk.state, talk.stage, key)
    if talk.asking() is None and "enough" in talk.state.frames[-1].answers:  # where only what follows so far is told, nothing is asked
        talk.state = frames.reopen(talk.state, talk.stage, "enough")
    if key == "as_of":
        talk.speak(talk.say("report.as_of_today"))
        proceeding.proceed(talk)
    else:
        asking.ask(talk)


def back(talk: Talk, _: str = "") -> None:
    """Take the last answer back and ask its question again."""
    top = talk.state.top
    if top is None:
        talk.speak(talk.say("dialog.nothing_to_cancel"))
    elif not top.trail:
        talk.speak(talk.say("dialog.first_already"))
        asking.ask(talk)
    else:
        _ask_again(talk, top.trail[-1])


def back_or_again(talk: Talk) -> bool:
    """Go back or begin anew, as the words say; False where they only look like it."""
    match phrases.wants_back(talk.text):
        case "again":
            again(talk)
        case "back":
            back(talk)
        case _:
            return False
    return True


def again(talk: Talk, run: str = "") -> None:
    """Begin the dialog (that of `run`) anew, forgetting what was known of the company; a form keeps what it is about."""
    if run and any(f.run == run for f in talk.state.frames):
        talk.state = frames.lift(talk.state, run)
    top = talk.state.top
    if top is not None and top.dialog == "request" and not top.done:
        talk.state = frames.close(talk.state)
        talk.speak(talk.say("dialog.restarted"))
        begin(talk, top.about)
        return
    if top is None or top.dialog not in frames.GUIDED:
        if top is not None:
            talk.state = frames.close(talk.state)
        talk.state = replace(talk.state, profile={})
        talk.speak(talk.say("dialog.restarted"))
        greet(talk)
        return
    talk.state = replace(frames.close(talk.state), profile={})
    talk.speak(talk.say("dialog.restarted"))
    start(talk, top.dialog, {})


def cancel(talk: Talk, _: str = "") -> None:
    """Leave the open dialog; what was interrupted by it is offered."""
    state = frames.drop_finished(talk.state)
    if state.top is None:
        asked = bool(talk.state.finished)
        talk.state = state
        talk.speak(talk.say("dialog.nothing_to_cancel"), () if asked else starts(talk))
        closing.offer(talk)
        return
    name = talk.say(f"dialog.{state.top.dialog}")
    talk.state = replace(frames.drop_finished(frames.close(state)), pending="")
    talk.speak(talk.say("dialog.cancelled", name=name), starts(talk) if not talk.state.frames else ())
    proceeding.offer_resume(talk)


def resume(talk: Talk, _: str = "") -> None:
    """Ask the open question again; of a result that was asked for early, go on with the questions left out."""
    top = talk.state.top
    if top is not None and top.done and "enough" in top.answers and not any(not f.done for f in talk.state.frames):
        more(talk, top.run)
        return
    talk.state = frames.drop_finished(talk.state)
    if talk.asking() is None:
        greet(talk)
    else:
        asking.ask(talk)


def leave(talk: Talk, _: str = "") -> None:
    """Leave an interrupted dialog alone for now: it is not offered again in the next turn."""
    closing.bye(talk)


def why(talk: Talk, _: str = "") -> None:
    """Say why the open question is asked, and where to find the answer."""
    question = talk.asking()
    if question is None:
        greet(talk)
        return
    language = talk.say.language
    talk.speak(talk.say("dialog.why", why=question.fact.why[language], help=question.fact.help[language]))
    asking.ask(talk)


def note(talk: Talk, number: str) -> None:
    """Add something to an own request; never in a group."""
    if talk.message.group:
        talk.speak(talk.say("bad.group"))
        return
    still_open = [c for c in talk.own if c.state not in cases.CLOSED]
    if not number and len(still_open) != 1:
        word = talk.say("common.add_note")
        options = tuple(Option(f"{word} {c.number}", f"!note:{c.number}") for c in still_open[-4:])
        talk.speak(talk.say("requests.which_note" if options else "requests.none_open"), options or (Option(talk.say("common.file"), "!log:"),))
        return
    number = number or still_open[0].number
    if not any(c.number == number for c in still_open):
        talk.speak(talk.say("requests.other_number"))
        return
    talk.state = frames.start(talk.state, talk.stage, "add_note", {}, number)
    asking.ask(talk)


def begin(talk: Talk, about: str) -> None:
    """Open the request dialog; what it is about (a record, a finished dialog, or the person's words) is filled in."""
    matter = filing.matter_of(talk, about)
    words = talk.state.heard[-1][:200] if about == "words" and talk.state.heard else ""
    if talk.message.group:
        talk.speak(talk.say("bad.group"))
        return
    filled = next((f for f in talk.state.frames if f.dialog == "request" and not f.done), None)
    if filled is not None and about in ("", "words", filled.about):
        talk.state = frames.lift(talk.state, filled.run)
        talk.speak(talk.say("requests.already"))
        asking.ask(talk)
        return
    known = {k: v for k, v in talk.state.profile.items() if k == "contact.company"}
    if filled is not None:  # another matter: the contact need not be typed again
        known |= {k: v for k, v in filled.answers.items() if k in ("contact.company", *CONTACT)}
    agreed = consent.given(talk)
    talk.state = frames.start(talk.state, talk.stage, "request", {**known, **agreed, **({"matter": matter} if matter else {})}, about)
    talk.state = talk.state.with_top(replace(talk.state.frames[-1], taken=tuple(agreed)))
    if words and talk.state.top is not None:  # offered, not taken: the last words need not be the matter
        talk.state = talk.state.with_top(replace(talk.state.top, dormant={"matter": words}))
    proceeding.proceed(talk)


def register(talk: Talk) -> None:
    """Open the request dialog in plain words (帮我登记，我叫…，电话…): what was said is filled in, and a number is kept nowhere else."""
    words = talk.message.text
    reach = next((str(f.value) for f in talk.found if f.kind in ("phone", "email")), "")
    name = _CALLED.search(words) if talk.message.private == "here" else None
    rest = _ASKING_FOR.sub(" ", masked(words).replace(HIDDEN, " ").replace(name[0] if name else "\0", " "))
    matter = "，".join(part for part in re.split(r"[\s,，。;；、]+", rest) if len(part) > 2)
    begin(talk, "")
    if talk.state.top is None or talk.state.top.dialog != "request" or not (reach or len(matter) > _BRIEF):
        return
    talk.hide = talk.hide or bool(reach)
    talk.replies.clear()
    given = {"contact.reach": reach, "contact.name": name[1] if name else "", "matter": matter if len(matter) > _BRIEF else ""}
    talk.state = frames.answer(talk.state, talk.stage, {k: v for k, v in given.items() if v})
    proceeding.proceed(talk)


def withdraw(talk: Talk, number: str = "") -> None:
    """Take an own request back; asks which one where there are several."""
    still_open = [c for c in talk.own if c.state not in cases.CLOSED]
    if not number and len(still_open) > 1:
        word = talk.say("common.withdraw")
        talk.speak(talk.say("requests.which_withdraw"), tuple(Option(f"{word} {c.number}", f"!withdraw:{c.number}") for c in still_open[-4:]))
        return
    case = next((c for c in still_open if number in ("", c.number)), None)
    if case is None:
        talk.speak(talk.say("requests.other_number" if number else "requests.none"))
        return
    talk.effects.append(Withdraw(case.number))
    talk.speak(talk.say("requests.withdrawn", number=case.number))


def enough(talk: Talk, run: str = "") -> None:
    """Tell what follows from the answers so far: every further question counts as not sure, but for one that there is no way around."""
    top = talk.state.top
    if not run and (top is None or top.done):  # typed where nothing is open: the results again, if there are any
        proceeding.proceed(talk) if top is not None and top.dialog in frames.GUIDED else greet(talk)
        return
    if not run and top is not None and top.dialog not in frames.GUIDED:
        resume(talk)
        return
    if top is None or top.done or top.dialog not in frames.GUIDED or (run and top.run != run):
        stale(talk, "bad.stale")
        return
    if (open_one := talk.asking()) is not None and (ticked := asking.ticked(open_one, top.draft)):
        talk.state = frames.answer(talk.state, talk.stage, {open_one.key: ",".join(ticked)})
    if top.dialog == "subsidy_precheck":
        talk.state = frames.answer(talk.state, talk.stage, {"enough": "yes"})
    while (question := talk.asking()) is not None:
        tokens = {t for t, _ in question.choices}
        if not question.optional and not isinstance(question, Items) and ANY not in tokens:
            talk.speak(talk.say("dialog.needed", why=question.fact.why[talk.say.language]))
            break
        hinted = top.dormant.get(question.key, "") if isinstance(question, Choices) and top.dialog == "park_selection" else ""
        token = hinted or (UNKNOWN if question.optional else ANY if ANY in tokens else question.samples()[0])
        talk.state = frames.answer(talk.state, talk.stage, {question.key: token})
    proceeding.proceed(talk)


def more(talk: Talk, run: str) -> None:
    """Go on with the questions that were left out to see what follows so far."""
    if not any(f.run == run and "enough" in f.answers for f in talk.state.frames):
        stale(talk, "bad.stale")
        return
    talk.state = frames.reopen(frames.lift(talk.state, run), talk.stage, "enough")
    proceeding.proceed(talk)


def human(talk: Talk, _: str = "") -> None:
    """Ask for a person: open the request dialog."""
    begin(talk, "words" if talk.state.misses else "")


def log(talk: Talk, about: str) -> None:
    """Pass a matter on to a person: a record, a finished dialog, or the words just said."""
    begin(talk, about or ("words" if talk.state.subject == "?" else talk.state.subject))
