"""Replaying a script over its answers; walking all its ways; drawing them as a chart.

A script runs from the top on every turn with the answers given so far, and stops at the first question without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.script import ASKED, GIVEN, BadTokenError, Outcome, Question, Script, ScriptError

MAX_QUESTIONS = 200
NewScript = Callable[[], Script]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on the trail with its answer's token."""

    question: Question[Any]
    token: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Where a script stands: the answered questions in order, then either the open question or the outcome."""

    trail: tuple[Asked, ...]
    asking: Question[Any] | None
    outcome: Outcome | None

    def answers(self) -> dict[str, str]:
        """The answers that count: those on the trail."""
        return {asked.question.key: asked.token for asked in self.trail}


def replay(new: NewScript, answers: Mapping[str, str]) -> Replay:
    """Run a fresh script over these answers; an answer that its question can't read (any more) counts as none."""
    script = new()
    trail: list[Asked] = []
    try:
        question = next(script)
        while True:
            if question is GIVEN:
                question = script.send(answers)
                continue
            token = answers.get(question.key)
            if token is None and question.default is not ASKED:
                question = script.send(question.default)
                continue
            if token is None or len(trail) >= MAX_QUESTIONS:
                return Replay(tuple(trail), question, None)
            try:
                value = question.value(token)
            except BadTokenError:
                return Replay(tuple(trail), question, None)
            trail.append(Asked(question, token))
            question = script.send(value)
    except StopIteration as end:
        if not isinstance(end.value, Outcome):
            raise ScriptError("a script must return an Outcome") from end
        return Replay(tuple(trail), None, end.value)
    finally:
        script.close()


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a walk: a question, a token, and what comes next (a question's key or an outcome's name)."""

    key: str
    token: str
    then: str


def walk(new: NewScript, limit: int = 10_000, start: Mapping[str, str] | None = None) -> Iterator[Replay]:
    """Every way through a script by its questions' samples, or, past `limit`, ways that cover all pairs of samples.

    Yields a replay for each complete way. A way is followed further only while it shows a pair (question, token) × (question, token)
    that no way before it has shown, once more than `limit` ways were found.
    """
    ways: list[dict[str, str]] = [dict(start or {})]
    seen: set[tuple[str, str, str, str]] = set()
    complete = 0
    while ways:
        answers = ways.pop()
        now = replay(new, answers)
        if now.asking is None:
            complete += 1
            yield now
            continue
        given = [(a.question.key, a.token) for a in now.trail]
        fresh = []
        for token in reversed(now.asking.samples()):
            pairs = {(k, t, now.asking.key, token) for k, t in given} or {("", "", now.asking.key, token)}
            if complete + len(ways) < limit or not pairs <= seen:
                fresh.append(token)
            seen |= pairs
        ways.extend({**answers, now.asking.key: token} for token in fresh)


def steps(new: NewScript, limit: int = 2_000) -> list[Step]:
    """All edges of a script, in the order in which a walk meets them."""
    found: dict[Step, None] = {}
    for way in walk(new, limit):
        follow = [a.question.key for a in way.trail[1:]] + [f"={way.outcome.name}" if way.outcome else ""]
        for asked, then in zip(way.trail, follow, strict=True):
            found.setdefault(Step(asked.question.key, asked.token, then))
    return list(found)


def chart(new: NewScript, title: str, words: Mapping[str, str]) -> str:
    """A Mermaid flow chart of a script; edges between the same two questions are one edge. `words` names the keys."""
    names: dict[str, str] = {}
    edges: dict[tuple[str, str], list[str]] = {}
    for step in steps(new):
        edges.setdefault((_generic(step.key), _generic(step.then)), []).append(step.token)
    for pair in edges:
        for key in pair:
            names.setdefault(key, f"n{len(names)}")
    lines = ["flowchart TD", f'    start(["{title}"])']
    for key, name in names.items():
        label = words.get(key.removeprefix("="), key.removeprefix("=")).replace('"', "'")
        lines.append(f'    {name}(["{label}"])' if key.startswith("=") else f'    {name}["{label}"]')
    lines.append(f"    start --> {next(iter(names.values()))}")
    for (source, target), tokens in edges.items():
        shown = list(dict.fromkeys(tokens))
        label = "、".join(words.get(f"{source}={t}", words.get(f"={t}", t)) for t in shown[:4]) + (f" 等 {len(shown)} 种" if len(shown) > 4 else "")
        lines.append(f'    {names[source]} -->|"{label}"| {names[target]}')
    return "\n".join(lines) + "\n"


def _generic(key: str) -> str:
    parts = key.split(".")
    return f"{parts[0]}.{parts[2]}" if len(parts) == 3 and parts[1].isdigit() else key
