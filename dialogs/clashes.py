"""Clashes: what is said now and can't be true together with what is known. Which of the two holds is asked; until then the earlier one does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dialogs import asking, frames, phrases
from dialogs.messages import Option
from dialogs.script import NONE, UNKNOWN, BadTokenError
from dialogs.script import ask as question_of
from dialogs.talk import Talk
from knowledge.contradictions import Clash, Side, clashes
from knowledge.rules import generic, key_for

Answers = Mapping[str, str]
_LONGEST = 64
"""Bytes of a button."""


def asked(talk: Talk) -> bool:
    """Ask which holds of two things that this turn brought together and that can't both be; False where there are none."""
    frame = talk.state.top
    if frame is None or frame.dialog not in frames.GUIDED:
        return False
    before = next((f.answers for f in talk.before.frames if f.run == frame.run), {})
    old = set(_clashes(talk, before))
    new = [c for c in _clashes(talk, frame.answers) if c not in old]
    if not new:
        return False
    said_now = [[side for side in c.sides if not all(t in before.get(k, "").split(",") for k, t in side)] for c in new]
    if phrases.is_correction(talk.text) and all(len(sides) == 1 for sides in said_now):
        answers: Answers = frame.answers
        for (side,) in said_now:
            answers = _holding(talk, answers, side)
        _set(talk, answers)
        talk.replies.clear()  # they name what just went
        talk.speak(talk.say("dialog.changed", label=talk.say.join(list(dict.fromkeys(_label(talk, side) for (side,) in said_now)))))
        return False
    dropped = [pair for sides in said_now for side in sides for pair in side]
    kept = _without(frame.answers, dropped, before)
    _set(talk, kept)
    talk.replies.clear()  # what they said of it does not hold yet
    if noted := {k: v for k, v in kept.items() if before.get(k) != v and k != "products"}:
        talk.speak(talk.say("dialog.noted", facts=asking.labels(talk, {**noted, "products": kept.get("products", "")})))
    first, sides = new[0], said_now[0]
    if len(sides) == 1:
        earlier = first.sides[0] if sides[0] == first.sides[1] else first.sides[1]
        _put(talk, (_payload(frame.run, sides[0]), _payload(frame.run, earlier)))
    else:
        _put(talk, ("", "", *(_payload(frame.run, side) for side in first.sides)))
    return True


def would(talk: Talk, given: Answers) -> bool:
    """Whether these answers would clash with what is known."""
    known = talk.state.top.answers if talk.state.top is not None else {}
    return bool({*_clashes(talk, {**known, **given})} - {*_clashes(talk, known)})


def ask_again(talk: Talk, doubt: tuple[str, ...]) -> bool:
    """Put the question once more that was passed over; False where it was another."""
    mine = doubt[-1].startswith("!hold:") and talk.state.top is not None and doubt[-1].startswith(f"!hold:{talk.state.top.run}.")
    if mine:
        _put(talk, doubt)
    return mine


def held(talk: Talk, argument: str) -> bool:
    """Take the side of a button for true and drop what can't be beside it; False where the button is stale or forged."""
    run, side = _read(f"!hold:{argument}")
    frame = talk.state.top
    if frame is None or frame.run != run or frame.dialog not in frames.GUIDED or not side:
        return False
    key, tokens = side[0][0], ",".join(t for _, t in side)
    listed = frame.answers.get("products", "").split(",")
    if generic(key) not in talk.knowledge.facts or (generic(key) != key and key.split(".")[1] not in listed):
        return False
    try:
        question_of(talk.knowledge.facts[generic(key)], key).value(tokens)
    except BadTokenError:
        return False
    _set(talk, _holding(talk, frame.answers, side))
    talk.state = replace(talk.state, misses=0)
    talk.speak(talk.say("dialog.noted", facts=_label(talk, side)))
    return True


def _clashes(talk: Talk, answers: Answers) -> list[Clash]:
    """What clashes in these answers. Of several products each may be of another kind: one that is only told as a device is one."""
    types = talk.knowledge.facts
    facts = {k: v for k, v in answers.items() if generic(k) in types}
    listed = [i for i in facts.get("products", "").split(",") if i.isdigit()]
    for subject in (f"product.{i}" for i in listed if len(listed) > 1):
        facts = {**_kinds(talk, facts, subject), **facts}
    found = (replace(c, sides=(_said(c.sides[0], answers, talk), _said(c.sides[1], answers, talk))) for c in clashes(facts, types))
    return [c for c in found if ("products", NONE) not in c.sides[1]]  # none to be counted, somebody may well say who has one


def _said(side: Side, answers: Answers, talk: Talk) -> Side:
    """A side in what was said itself: a class where that it is a device only follows from it."""
    pairs: list[tuple[str, str]] = []
    for key, token in side:
        subject = key.rpartition(".")[0]
        told = (
            []
            if key in answers
            else [(k, v) for k, v in answers.items() if k.startswith(f"{subject}.") and _needs(talk, k).get(generic(key)) == token]
        )
        pairs += told or [(key, token)]
    return tuple(pairs)


def _kinds(talk: Talk, answers: Answers, subject: str) -> dict[str, str]:
    """Of what kind a product is, by what was told of it, where it all says the same."""
    told = {(other, kind) for k, v in answers.items() if k.startswith(f"{subject}.") and v != UNKNOWN for other, kind in _needs(talk, k).items()}
    return {key_for(other, subject): kind for other, kind in told if len([1 for o, _ in told if o == other]) == 1}


def _needs(talk: Talk, key: str) -> Mapping[str, str]:
    fact = talk.knowledge.facts.get(generic(key))
    return fact.only_if if fact else {}


def _holding(talk: Talk, answers: Answers, side: Side) -> Answers:
    """The answers where this side holds: with it, and without what clashes with it."""
    key, tokens = side[0][0], [t for _, t in side]
    fact = talk.knowledge.facts[generic(key)]
    if fact.type == "choices":
        chosen = {*answers.get(key, "").split(","), *tokens}
        tokens = [o.token for o in fact.options if o.token in chosen] or [NONE]
    subject = key.rpartition(".")[0]
    kinds = {key_for(other, subject): kind for other, kind in fact.only_if.items()}
    now = {**answers, key: ",".join(tokens)}
    dropped = [pair for c in _clashes(talk, now) for one, other in (c.sides, c.sides[::-1]) if set(one) & set(side) for pair in other]
    if "," in answers.get("products", "") and kinds:  # the others may be of the other kind: this one is said to be of its own
        now |= kinds
        dropped = [pair for c in _clashes(talk, now) for one, other in (c.sides, c.sides[::-1]) if {*one} & {*side, *kinds.items()} for pair in other]
    return _without(now, [pair for pair in dropped if pair not in side], {})


def _without(answers: Answers, dropped: Iterable[tuple[str, str]], before: Answers) -> dict[str, str]:
    """The answers without these tokens; what they stood for is as it was before, or open."""
    kept = dict(answers)
    for key, token in dropped:
        left = [t for t in kept.get(key, "").split(",") if t and t != token]
        if left:
            kept[key] = ",".join(left)
        elif key in before and token not in before[key].split(","):
            kept[key] = before[key]
        else:
            kept.pop(key, None)
    return kept


def _set(talk: Talk, answers: Answers) -> None:
    """Make these the answers of the top dialog, and what follows the person no more than they say."""
    frame = talk.state.frames[-1]
    gone = {k for k in frame.answers if k not in answers}
    profile = {k: v for k, v in talk.state.profile.items() if k not in gone} | {
        k: v for k, v in talk.before.profile.items() if k in gone and k not in frame.answers
    }
    trail = tuple(k for k in frame.trail if k in answers)
    dormant = {k: v for k, v in frame.dormant.items() if k not in gone}
    frame = replace(frame, answers=dict(answers), trail=trail, dormant=dormant, done=False)
    talk.state = frames.settle(replace(talk.state.with_top(frame), profile=profile), talk.stage)


def _put(talk: Talk, doubt: tuple[str, ...]) -> None:
    """Ask which of two holds: what is said now or what was said before, or, with nothing ahead of them, which of two said at once."""
    talk.state = replace(talk.state, doubt=doubt)
    one, other = (_label(talk, _read(payload)[1]) for payload in doubt[-2:])
    if len(doubt) == 2:
        options = (Option(talk.say("dialog.as_now", label=one), doubt[0]), Option(talk.say("dialog.as_before", label=other), doubt[1]))
        talk.speak(talk.say("dialog.clash", before=other, now=one), options)
        return
    options = (Option(talk.say("dialog.as_now", label=one), doubt[-2]), Option(talk.say("dialog.as_now", label=other), doubt[-1]))
    talk.speak(talk.say("dialog.clash_both", one=one, other=other), options)


def _label(talk: Talk, side: Side) -> str:
    frame = talk.state.top
    listed = frame.answers.get("products", "") if frame else ""
    key = side[0][0]
    given = {key: ",".join(t for k, t in side if k == key)}
    return asking.labels(talk, given if key == "products" else {**given, "products": listed})


def _payload(run: str, side: Side) -> str:
    """The button of a side; of many choices as many as it holds."""
    pairs = [t for k, t in side if k == side[0][0]]
    while len(payload := f"!hold:{run}.{side[0][0]}={','.join(pairs)}") > _LONGEST and len(pairs) > 1:
        pairs.pop()
    return payload


def _read(payload: str) -> tuple[str, Side]:
    run, _, rest = payload.removeprefix("!hold:").partition(".")
    key, _, tokens = rest.partition("=")
    return run, tuple((key, t) for t in tokens.split(",") if key and t)
