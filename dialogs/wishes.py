"""Serving wishes: taps on buttons, control words, and free questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from dialogs import asking, cases, filing, frames, reading, reports
from dialogs.answers import MAX_OPTIONS, cut, fit
from dialogs.messages import Option, Reply
from dialogs.script import BadTokenError, Choices
from dialogs.scripts.subsidy_precheck import Report
from knowledge.facts import QuestionAnswer
from knowledge.search import Hit
from knowledge.snapshot import Answerable
from knowledge.values import normalise

if TYPE_CHECKING:
    from dialogs.assistant import Talk

RIGHT = 0.66
"""A record from here on is the answer."""
CLOSE = 0.46
"""Records from here on are offered, at most three."""
TITLE = 0.8
"""How well a question must fit a record's own name to be about it, whatever else the message wants."""
TOPICS = ("finance_support", "talent_support", "clinical_trial", "ip_service", "tech_challenge", "landmark_selection", "product_directory", "facility_request", "events")


# -- buttons ---------------------------------------------------------------------------------------------------------------------------


def tap(talk: Talk, payload: str) -> None:
    """A tapped button: `!verb:arg`, or `run:key=token` for an answer (`run:~key=token` ticks one of several)."""
    verb, _, argument = payload.removeprefix("!").partition(":")
    if payload.startswith("!") and verb in _TAPS:
        _TAPS[verb](talk, argument)
        return
    run, _, rest = payload.partition(":")
    key, _, token = rest.partition("=")
    top = talk.state.top
    if payload.startswith("!") or not key or not token or len(payload.encode()) > 64:
        stale(talk, "bad.forged")
    elif top is None or top.run != run:
        stale(talk, "bad.stale")
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
            stale(talk, "bad.stale")
            return
    if token == "!":  # noqa: S105 - “done” under ticked choices
        token = top.draft
        if not token:
            talk.speak(talk.say("dialog.no_ticks"))
            asking.ask(talk)
            return
    try:
        question.value(token)
    except BadTokenError:
        stale(talk, "bad.forged")
        return
    talk.tapped = asking.label(talk, question, token)
    changed = key in top.trail
    talk.state = replace(frames.answer(talk.state, talk.stage, {key: token}), misses=0)
    if changed:
        talk.speak(talk.say("dialog.changed", label=asking.label(talk, question, token)))
    talk.go_on()


def _tick(talk: Talk, key: str, token: str) -> None:
    """Tick or untick one of several choices; the answer counts when “done” is tapped."""
    top, question = talk.state.frames[-1], talk.asking()
    if question is None or question.key != key or not isinstance(question, Choices):
        stale(talk, "bad.stale")
        return
    ticked = set(top.draft.split(",")) ^ {token} if top.draft else {token}
    ordered = [t for t, _ in question.choices if t in ticked]
    if token not in dict(question.choices):
        stale(talk, "bad.forged")
        return
    talk.tapped = asking.label(talk, question, token)
    talk.state = talk.state.with_top(replace(top, draft=",".join(ordered)))
    asking.ask(talk, talk.say("dialog.ticked", labels=talk.say.join([asking.label(talk, question, t) for t in ordered])) if ordered else "")


def stale(talk: Talk, key: str) -> None:
    """One line for a button that means nothing any more, then what is open now."""
    talk.speak(talk.say(key))
    if talk.asking() is not None:
        asking.ask(talk)


def _start(talk: Talk, dialog: str) -> None:
    if dialog not in frames.GUIDED:
        stale(talk, "bad.forged")
        return
    talk.tapped = talk.say(f"dialog.{dialog}")
    start(talk, dialog, {})


def start(talk: Talk, dialog: str, given: Mapping[str, str]) -> None:
    """Begin a guided dialog with what the person already said."""
    given = {k: v for k, v in given.items() if k != "region" or v}
    talk.state = replace(frames.start(talk.state, talk.stage, dialog, given), misses=0)
    if given:
        used = {k: v for k, v in given.items() if k != "products"}
        if used:
            talk.speak(talk.say("dialog.noted", facts=asking.labels(talk, used)))
    talk.go_on()


def _show(talk: Talk, record_id: str) -> None:
    record = talk.knowledge.record(record_id)
    if record is None:
        stale(talk, "bad.stale")
        return
    talk.tapped = talk.voice.name(record)
    tell(talk, record)


def _topic(talk: Talk, argument: str) -> None:
    topic, _, region = argument.partition(".")
    if region not in talk.knowledge.regions or topic not in (*TOPICS, *frames.GUIDED):
        stale(talk, "bad.stale")
        return
    talk.tapped = talk.knowledge.regions[region].name
    talk.state = replace(talk.state, profile={**talk.state.profile, "region": region})
    if topic in frames.GUIDED:
        start(talk, topic, {"region": region})
    else:
        listing(talk, topic, region)


def _basis(talk: Talk, argument: str) -> None:
    run, _, start_at = argument.partition(".")
    frame = next((f for f in talk.state.frames if f.run == run and f.done), None)
    outcome = talk.stage.run(frame).outcome if frame else None
    if outcome is None or not isinstance(outcome.data, Report) or not start_at.isdigit():
        stale(talk, "bad.stale")
        return
    talk.replies.append(reports.basis(talk.voice, outcome.data, run, int(start_at)))


def _edit(talk: Talk, argument: str) -> None:
    """Offer the answers of the top dialog to change, or reopen the one that was picked (`run.key`)."""
    run, _, key = argument.partition(".")
    top = talk.state.top
    if top is None or not top.trail or (run and top.run != run):
        talk.speak(talk.say("dialog.nothing_to_change"))
        return
    if key in top.trail:
        talk.state = frames.reopen(talk.state, talk.stage, key)
        asking.ask(talk)
        return
    trail = [a for a in talk.stage.run(top).trail if a.question.key != "confirm"]
    options = []
    for asked in trail:
        title = asked.question.fact.question[talk.say.language].rstrip("？?")
        shown = cut(f"{cut(title, 12)}：{asking.label(talk, asked.question, asked.token)}", 26)
        options.append(Option(shown, fit(f"!edit:{top.run}.{asked.question.key}")))
    talk.speak(talk.say("dialog.ask_change"), tuple(options))


def _back(talk: Talk, _: str = "") -> None:
    if talk.state.top is None:
        talk.speak(talk.say("dialog.nothing_to_cancel"))
        return
    before = frames.back(talk.state, talk.stage)
    if before is None:
        talk.speak(talk.say("dialog.first_already"))
    else:
        talk.state = before
    asking.ask(talk)


def _again(talk: Talk, _: str = "") -> None:
    top = talk.state.top
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


def _cancel(talk: Talk, _: str = "") -> None:
    state = frames.drop_finished(talk.state)
    if state.top is None:
        talk.state = state
        talk.speak(talk.say("dialog.nothing_to_cancel"), starts(talk))
        return
    name = talk.say(f"dialog.{state.top.dialog}")
    talk.state = replace(frames.close(state), pending="")
    talk.speak(talk.say("dialog.cancelled", name=name), starts(talk) if not talk.state.frames else ())
    asking.offer_resume(talk)


def _resume(talk: Talk, _: str = "") -> None:
    talk.state = frames.drop_finished(talk.state)
    if talk.asking() is None:
        greet(talk)
    else:
        asking.ask(talk)


def _leave(talk: Talk, _: str = "") -> None:
    talk.speak(talk.say("greeting.bye"))


def _take(talk: Talk, _: str = "") -> None:
    """The words that waited were an answer."""
    question, words = talk.asking(), talk.state.pending
    if question is None or not words:
        stale(talk, "bad.stale")
        return
    talk.hide = question.private
    talk.take(question, reading.Answer(normalise(words)))


def _asked(talk: Talk, _: str = "") -> None:
    """The words that waited were a question."""
    words = talk.state.pending
    if not words:
        stale(talk, "bad.stale")
        return
    talk.state = replace(talk.state, pending="")
    talk.hear(words)
    free_text(talk)


def _why(talk: Talk, _: str = "") -> None:
    question = talk.asking()
    if question is None:
        greet(talk)
        return
    language = talk.say.language
    talk.speak(talk.say("dialog.why", why=question.fact.why[language], help=question.fact.help[language]))
    asking.ask(talk)


def _note(talk: Talk, number: str) -> None:
    if not any(c.number == number and c.state not in cases.CLOSED for c in talk.own):
        talk.speak(talk.say("requests.other_number"))
        return
    talk.state = frames.start(talk.state, talk.stage, "add_note", {}, number)
    asking.ask(talk)


def _human(talk: Talk, _: str = "") -> None:
    filing.begin(talk, "words" if talk.state.misses else "")


def _log(talk: Talk, about: str) -> None:
    filing.begin(talk, about or ("words" if talk.state.subject == "?" else talk.state.subject))


_TAPS: Mapping[str, Callable[[Talk, str], None]] = MappingProxyType(
    {
        "start": _start,
        "show": _show,
        "topic": _topic,
        "basis": _basis,
        "edit": _edit,
        "back": _back,
        "again": _again,
        "cancel": _cancel,
        "resume": _resume,
        "leave": _leave,
        "take": _take,
        "asked": _asked,
        "note": _note,
        "human": _human,
        "log": _log,
        "status": lambda talk, _: filing.status(talk),
        "why": _why,
    }
)


def command(talk: Talk, verb: str) -> None:
    """A control word."""
    match verb:
        case "help":
            talk.speak(talk.say("greeting.help"), starts(talk))
        case "file":
            _log(talk, "")
        case _:
            _TAPS[verb](talk, "")


# -- free text -------------------------------------------------------------------------------------------------------------------------


def starts(talk: Talk) -> tuple[Option, ...]:
    """The ways in: the three guided dialogs and a person."""
    names = (("common.start_parks", "!start:park_selection"), ("common.start_precheck", "!start:subsidy_precheck"))
    more = (("common.start_approval", "!start:approval_channel"), ("common.human", "!human"))
    return tuple(Option(talk.say(key), payload) for key, payload in (*names, *more))


def greet(talk: Talk) -> None:
    """Say hello and what can be done."""
    talk.speak(talk.say("greeting.hello"), starts(talk))


def free_text(talk: Talk) -> None:
    """Serve a message that is no answer: its wishes in order; then offer what was interrupted."""
    interrupted = talk.asking() is not None
    region = _region(talk)
    hits = _find(talk, region)
    served = [serve(talk, wish, region, hits) for wish in _wishes(talk, hits)]
    if not any(served) and not _search(talk, hits):
        _miss(talk, interrupted)
        return
    talk.state = replace(talk.state, misses=0)
    if interrupted and not _restarted(talk) and (talk.asking() is not None):
        asking.offer_resume(talk)


def _wishes(talk: Talk, hits: list[Hit]) -> tuple[str, ...]:
    """The wishes to serve; none where one record is named so plainly that it is the answer."""
    names = talk.wants.wishes
    named = bool(hits) and hits[0].title >= TITLE and len(names) <= 1 and not set(names) & _OWN_WAY
    return () if named else names


_OWN_WAY = frozenset({"request_human", "request_status", "subsidy_precheck", "park_selection", "cancel", "correction", "back_or_restart"})


def _restarted(talk: Talk) -> bool:
    """Whether a dialog was begun in this turn (its question is the last thing said)."""
    return talk.state.top is not None and talk.state.runs > talk.runs_before


def serve(talk: Talk, wish: str, region: str | None, hits: list[Hit]) -> bool:
    """Serve one wish; False where it comes to nothing and the search should try."""
    given = reading.facts_in(talk.found, talk.knowledge)
    match wish:
        case "park_selection" | "subsidy_precheck" | "approval_channel":
            if wish == "approval_channel" and (matter := reading.matter_in(talk.text, talk.knowledge)):
                given["approval_matter"] = matter
            if wish == "park_selection":
                given |= reading.site_wishes_in(talk.text, talk.knowledge)
            if ambiguous(talk, wish):
                return True
            start(talk, wish, given)
        case "request_human":
            _human(talk)
        case "request_status":
            filing.status(talk)
        case "greeting":
            greet(talk)
        case "help":
            talk.speak(talk.say("greeting.help"), starts(talk))
        case "thanks_bye":
            talk.speak(talk.say("greeting.thanks"))
        case "cancel":
            _cancel(talk)
        case "back_or_restart":
            _again(talk) if "重" in talk.text or "start" in talk.text else _back(talk)
        case "correction":
            _edit(talk, "")
        case "out_of_scope":
            talk.speak(talk.say("miss.out_of_scope"), starts(talk))
        case _ if wish in TOPICS:
            return _search(talk, hits, strict=True) or topical(talk, wish, region, hits)
        case _:
            return False
    return True


def ambiguous(talk: Talk, wish: str) -> bool:
    """Ask which of several regions of one short name is meant."""
    unclear = next((f for f in talk.found if f.kind == "ambiguous_region"), None)
    if unclear is None or any(f.kind == "region" for f in talk.found):
        return False
    options = tuple(Option(talk.voice.region_name(r), f"!topic:{wish}.{r}") for r in unclear.value)
    talk.speak(talk.say("miss.ambiguous_region"), options)
    return True


def _region(talk: Talk) -> str | None:
    """The region that the message is about: named in it, or known from before."""
    named = list(dict.fromkeys(f.token for f in talk.found if f.kind == "region"))
    if len(named) == 1:
        talk.state = replace(talk.state, profile={**talk.state.profile, "region": named[0]})
        return named[0]
    return None if named else talk.state.profile.get("region")


def _find(talk: Talk, region: str | None) -> list[Hit]:
    """Records for the message: of the regions that it names, otherwise of all, the region spoken of before a little ahead."""
    named = tuple(dict.fromkeys(f.token for f in talk.found if f.kind == "region"))
    if len(named) == 1:
        scope = (*talk.knowledge.upward(named[0]), *talk.knowledge.around(named[0]))
    else:
        scope = named
    hits = talk.knowledge.search.find(talk.text, scope, 12)
    if region is None:
        return hits
    upward = talk.knowledge.upward(region)
    behind = {r: 0.0 if r == region else 0.03 if r in upward else 0.08 for r in talk.knowledge.regions}
    return sorted(hits, key=lambda h: (behind[h.record.region] - h.score, h.record.id))


def topical(talk: Talk, topic: str, region: str | None, hits: list[Hit]) -> bool:
    """What the documents have on a topic, for a region; asks for the region first where none is known."""
    if ambiguous(talk, topic):
        return True
    if region is None:
        options = tuple(Option(r.name, f"!topic:{topic}.{r.id}") for r in talk.knowledge.regions.values())
        talk.speak(talk.say("miss.which_region"), options)
        return True
    return listing(talk, topic, region, hits)


def listing(talk: Talk, topic: str, region: str, hits: Sequence[Hit] = ()) -> bool:
    """List a topic's records for a region, those nearest to the words of the message first."""
    scope = talk.knowledge.upward(region)
    rank = {"Support": 0, "Channel": 1, "Clause": 2, "Park": 3, "QuestionAnswer": 4}
    near = {h.record.id: h.score for h in hits}
    rows = [r for r in talk.knowledge.answerable() if topic in r.topics and r.region in scope and not isinstance(r, QuestionAnswer)]
    rows.sort(key=lambda r: (scope.index(r.region), -near.get(r.id, 0.0), rank.get(type(r).__name__, 5), r.id))
    if not rows:
        return False
    talk.replies.append(talk.voice.listing(talk.say("facts.list", region=talk.voice.region_name(region)), rows[:5]))
    return True


def tell(talk: Talk, record: Answerable) -> None:
    """Answer with a record."""
    talk.state = replace(talk.state, subject=record.id)
    talk.replies.append(talk.voice.tell(record))


def _search(talk: Talk, hits: list[Hit], strict: bool = False) -> bool:
    """Answer from the records; `strict`: only with a record that surely is meant."""
    named = list(dict.fromkeys(f.token for f in talk.found if f.kind == "region"))
    if len(named) == 2 and not strict and _compare(talk, named, hits):
        return True
    if hits and _is_it(hits, strict):
        tell(talk, hits[0].record)
        return True
    if strict:
        return False
    close = _apart([h for h in hits if h.score >= CLOSE])
    if not close:
        return False
    if len(close) == 1:
        tell(talk, close[0])
    else:
        talk.state = replace(talk.state, subject="?")
        talk.replies.append(talk.voice.candidates(close[:3]))
    return True


def _is_it(hits: list[Hit], strict: bool) -> bool:
    """Whether the first record is the answer: well above the bar, or over it with a margin to the next different one."""
    best, level = hits[0].score, RIGHT + (0.08 if strict else 0.0)
    following = next((h.score for h in hits[1:] if not _same(hits[0].record, h.record)), 0.0)
    return best >= level + 0.1 or (best >= level and best - following >= 0.03)


def _same(one: Answerable, other: Answerable) -> bool:
    """Whether one record speaks of the other (a question about a support)."""
    about = {i for r in (one, other) if isinstance(r, QuestionAnswer) for i in r.about}
    return one.id in about or other.id in about


def _apart(hits: list[Hit]) -> list[Answerable]:
    """Records without those that another, better one already speaks of."""
    kept: list[Answerable] = []
    for hit in hits:
        if not any(_same(hit.record, k) for k in kept):
            kept.append(hit.record)
    return kept


def _compare(talk: Talk, regions: list[str], hits: list[Hit]) -> bool:
    """Two regions in one question: the best record of each side."""
    sides = [next((h.record for h in hits if h.record.region == r and h.score >= CLOSE), None) for r in regions]
    if any(s is None for s in sides):
        return False
    for side in sides:
        if side is not None:
            reply = talk.voice.tell(side)
            talk.replies.append(replace(reply, text=f"【{talk.voice.region_name(side.region)}】{reply.text}"))
    return True


def _miss(talk: Talk, interrupted: bool) -> None:
    """Not understood: say what can be taken; the second time, a person. A question that was understood but has no record says so."""
    from dialogs.assistant import Unanswered

    misses = talk.state.misses + 1
    talk.state = replace(talk.state, misses=misses, subject="?")
    talk.effects.append(Unanswered(talk.message.text.strip()[:200]))
    question = talk.asking()
    if question is not None and interrupted and misses < 2:
        hint = {"Amount": "hint_money", "Flag": "hint_flag", "Number": "hint_number", "Items": "hint_number"}.get(type(question).__name__, "hint_choice")
        talk.speak(talk.say("dialog.cannot_read", hint=talk.say(f"dialog.{hint}")))
        asking.ask(talk)
    elif misses >= 2:
        talk.speak(talk.say("miss.second", words=cut(talk.message.text.strip(), 60)), (talk.voice.log("words"), *starts(talk)[: MAX_OPTIONS - 1]))
    elif not reading.is_question(talk.text):
        talk.speak(talk.say("miss.first"), starts(talk))
    else:
        talk.speak(talk.say("miss.not_in_documents"), (talk.voice.log("words"), *starts(talk)[: MAX_OPTIONS - 1]))
