"""Time in a talk: coming back after days, the same words twice, and messages faster than anybody reads.

Only what a channel says of the time at which a message was sent counts (`Message.at`); a clock that stands still says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from dialogs import asking, finding, phrases
from dialogs.conversation import Frame
from dialogs.messages import Reply, masked
from dialogs.script import FreeText
from dialogs.talk import Talk

TWICE = timedelta(seconds=2)
"""The same words within this time are one message of an impatient thumb."""
MOST, WITHIN = 15, timedelta(seconds=10)
"""More messages than this in this time are not read one by one."""
_TALKING = timedelta(minutes=10)


def floods(talk: Talk) -> bool:
    """Whether messages come too fast: said once, then nothing until it calms down. What was said stays in the transcript and is heard."""
    sent, state = talk.message.at, talk.state
    if sent is None:
        return False
    talk.state = state = replace(state, recent=(*state.recent, sent.isoformat())[-MOST - 1 :])
    lately = [t for t in _times(state.recent) if abs(sent - t) <= WITHIN]
    if len(lately) <= MOST or not _moves(lately, sent):
        talk.state = replace(state, flooded=False)
        return False
    question = talk.asking()
    talk.hide = isinstance(question, FreeText) and question.private
    talk.free = talk.message.option is None and not talk.hide
    if not state.flooded:
        talk.state = replace(state, flooded=True)
        talk.speak(talk.say("bad.flood"))
    return True


def twice(talk: Talk) -> bool:
    """Answer the same words sent again within seconds in one line; they are no answer to the next question."""
    sent, state = talk.message.at, talk.state
    times = _times(state.recent)
    if sent is None or len(times) < 2 or not timedelta(0) <= sent - times[-2] <= TWICE or not _moves(times, sent):
        return False
    if phrases.control(talk.text) == "back":  # two steps back are two steps
        return False
    top, words = state.top, talk.message.text.strip()
    private = top is not None and bool(top.trail) and top.answers.get(top.trail[-1]) == words and not state.last
    if not words or not (private or state.last == masked(words)[:300]):
        return False
    talk.hide = private
    talk.speak(talk.say("dialog.twice"))
    asking.ask(talk)
    return True


def lead(talk: Talk, before: Iterable[Frame]) -> None:
    """After days, say what it was that an answer went on with."""
    if not talk.away:
        return
    now = {f.run: f for f in talk.state.frames}
    for frame in before:
        if not frame.done and frame.run in now and now[frame.run].answers != frame.answers:
            talk.replies.insert(0, Reply(talk.say("dialog.after_days", days=talk.away, name=talk.say(f"dialog.{frame.dialog}"))))
            return


def greets(talk: Talk) -> bool:
    """Whether somebody is back after days and only says hello, or wants to go on."""
    return bool(talk.away) and (phrases.chitchat(talk.text) in ("hello", "thanks") or phrases.control(talk.text) == "resume")


def wants_nothing(talk: Talk) -> bool:
    """Whether words after days of silence, which are no answer, want nothing definite: then what was left open is offered."""
    if not talk.away:
        return False
    wanted = set(talk.wants.wishes)
    if wanted:
        return wanted <= {"greeting", "thanks_bye"}
    return not phrases.is_question(talk.text) and not finding.is_known(talk)


def _times(recent: Iterable[str]) -> list[datetime]:
    return [datetime.fromisoformat(t) for t in recent]


def _moves(times: Iterable[datetime], sent: datetime) -> bool:
    """Whether the channel's clock moves: one that always says the same is no clock."""
    return any(timedelta(0) < abs(sent - t) <= _TALKING for t in times)
