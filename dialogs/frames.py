"""The stack of dialogs: starting, answering, going back, correcting. Every step is a change of answers and a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from dialogs.conversation import Frame, State
from dialogs.replay import NewScript, Replay, replay
from dialogs.script import Private, Script
from dialogs.scripts.approval_channel import approval_channel
from dialogs.scripts.park_selection import park_selection
from dialogs.scripts.request import add_note, request
from dialogs.scripts.subsidy_precheck import subsidy_precheck
from knowledge.snapshot import Knowledge

DIALOGS: Mapping[str, Callable[[Stage], Script]] = MappingProxyType(
    {
        "park_selection": lambda stage: park_selection(stage.knowledge),
        "subsidy_precheck": lambda stage: subsidy_precheck(stage.knowledge, stage.today),
        "approval_channel": lambda stage: approval_channel(stage.knowledge),
        "request": lambda stage: request(stage.knowledge, stage.private),
        "add_note": lambda stage: add_note(stage.knowledge),
    }
)
GUIDED = ("park_selection", "subsidy_precheck", "approval_channel")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the talk's scripts run: the knowledge, the day, and where private fields may be asked for."""

    knowledge: Knowledge
    today: date
    private: Private = "here"
    _runs: dict[tuple[str, frozenset[tuple[str, str]]], Replay] = field(default_factory=dict, compare=False, repr=False)
    """Replays of this turn: the same answers are run once."""

    def script(self, dialog: str) -> NewScript:
        """Fresh runs of a dialog."""
        return lambda: DIALOGS[dialog](self)

    def run(self, frame: Frame) -> Replay:
        """Where a frame stands."""
        key = (frame.dialog, frozenset(frame.answers.items()))
        if key not in self._runs:
            self._runs[key] = replay(self.script(frame.dialog), frame.answers)
        return self._runs[key]


def start(
    state: State, stage: Stage, dialog: str, given: Mapping[str, str] | None = None, about: str = "", hinted: Mapping[str, str] | None = None
) -> State:
    """Open a dialog on top, with what the person just said and what is known from earlier dialogs. Of finished dialogs the last
    stays below, to be corrected; the others make room. What was only hinted at is offered at its question."""
    profile = {k: v for k, v in state.profile.items() if k in stage.knowledge.facts and k not in (given or {})} if dialog in GUIDED else {}
    begun = next((f for f in reversed(state.frames) if f.dialog == dialog and not f.done and dialog in GUIDED), None)
    before = {
        **(hinted or {}),
        **(begun.dormant if begun else {}),
        **(begun.answers if begun else {}),
    }  # begun anew: what was answered is offered again
    answers = {**profile, **(given or {})}
    frame = Frame(dialog=dialog, run=_run_id(state.runs + 1), answers=answers, dormant=before, about=about, taken=tuple(profile))
    last = next((f.run for f in reversed(state.frames) if f.done and f.dialog != dialog), "")
    kept = tuple(f for f in state.frames if (not f.done and f.dialog != dialog) or f.run == last or about == f"run.{f.run}")[-4:]
    return settle(replace(state, frames=(*kept, frame), runs=state.runs + 1), stage)


def settle(state: State, stage: Stage) -> State:
    """Replay the top frame and bring its bookkeeping up to date: trail, dormant answers, profile, digest."""
    frame = state.top
    if frame is None:
        return state
    now = stage.run(frame)
    on_trail = now.answers()
    left = {k: frame.answers[k] for k in frame.trail if k not in on_trail and k in frame.answers}
    answers = {k: v for k, v in frame.answers.items() if k not in left}
    dormant = {k: v for k, v in {**frame.dormant, **left}.items() if k not in on_trail}
    if on_trail.get("contact.consent") == "no":  # what was said before is let go of at once
        answers, dormant = _without_private(answers, stage.knowledge), _without_private(dormant, stage.knowledge)
    settled = replace(
        frame,
        answers=answers,
        dormant=dormant,
        trail=tuple(on_trail),
        done=now.outcome is not None,
        draft=frame.draft if now.asking is not None else "",
    )
    shared = {a.question.key: a.token for a in now.trail if a.question.fact.shared and a.token != "unknown"}
    known = {k: v for k, v in shared.items() if k in stage.knowledge.facts and v != "any" and not (k == "region" and "," in v)}
    return replace(state.with_top(settled), profile={**state.profile, **known} if frame.dialog in GUIDED else state.profile)


def answer(state: State, stage: Stage, given: Mapping[str, str]) -> State:
    """Set answers in the top frame and replay; later answers are kept where they still apply."""
    frame = _top(state)
    answers = {**frame.answers, **given}
    if "products" in given:
        kept = given["products"].split(",")
        answers = {k: v for k, v in answers.items() if not k.startswith("product.") or k.split(".")[1] in kept}
    dormant = {k: v for k, v in frame.dormant.items() if k not in given}
    taken = tuple(k for k in frame.taken if k not in given)
    return settle(state.with_top(replace(frame, answers=answers, dormant=dormant, draft="", taken=taken)), stage)


def reopen(state: State, stage: Stage, key: str) -> State:
    """Ask a question of the trail again; its old answer stays on offer."""
    frame = _top(state)
    answers = {k: v for k, v in frame.answers.items() if k != key}
    dormant = {**frame.dormant, key: frame.answers[key]} if key in frame.answers else frame.dormant
    trail = tuple(k for k in frame.trail if k != key)
    taken = tuple(k for k in frame.taken if k != key)
    later = {k: v for k, v in answers.items() if k in trail}
    state = settle(state.with_top(replace(frame, answers=answers, dormant=dormant, trail=trail, draft="", done=False, taken=taken)), stage)
    # what was answered after the reopened question waits for the replay to reach it again
    reopened = _top(state)
    return state.with_top(
        replace(reopened, answers={**later, **reopened.answers}, dormant={k: v for k, v in reopened.dormant.items() if k not in later})
    )


def answer_below(state: State, stage: Stage, index: int, given: Mapping[str, str]) -> State:
    """Set answers in a frame that lies below the top and replay it; what lies above it stays."""
    above = state.frames[index + 1 :]
    changed = answer(replace(state, frames=state.frames[: index + 1]), stage, given)
    return replace(changed, frames=(*changed.frames, *above))


def lift(state: State, run: str) -> State:
    """The state with this run on top; the others keep their order."""
    lifted = tuple(f for f in state.frames if f.run == run)
    return replace(state, frames=(*(f for f in state.frames if f.run != run), *lifted))


def close(state: State) -> State:
    """Leave the top dialog."""
    return replace(state, frames=state.frames[:-1])


def drop_finished(state: State) -> State:
    """Remove finished dialogs from the top, so that what was interrupted is on top again."""
    while state.top is not None and state.top.done:
        state = close(state)
    return state


def _top(state: State) -> Frame:
    if state.top is None:  # pragma: no cover - callers look first
        raise ValueError("no dialog is open")
    return state.top


def _without_private(answers: Mapping[str, str], knowledge: Knowledge) -> dict[str, str]:
    return {k: v for k, v in answers.items() if not ((fact := knowledge.facts.get(k)) and fact.private)}


def _run_id(number: int) -> str:
    digits, text = "0123456789abcdefghijklmnopqrstuvwxyz", ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text or "0"
