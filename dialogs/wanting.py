"""What a message wants: its intents with scores, several wishes in their order, and what it hangs between where that is not clear.

How sure is sure was set on messages of writers whose sentences the matcher had not been trained on (docs/understanding.md): two scores
that are close say more than a high one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dialogs import phrases
from dialogs.messages import Score
from knowledge.snapshot import Knowledge

OUT = "out_of_scope"
LENIENT = 0.1
"""Something is out of scope already where it is this little behind the best intent."""
FITS = 0.15
"""Below, nothing fits."""
SURE, MARGIN, ALONE = 0.3, 0.13, 0.9
"""An intent is acted upon from this score on with this margin to the next one, or from `ALONE` on with half of it."""
HARDLY = 0.03
"""An intent that is this little ahead of “out of scope” may well be out of scope."""
NEAR, TIED = 0.25, 0.13
"""What a message hangs between: intents with this score, and no more than this behind the best."""
_PART, _PART_MARGIN = 0.3, 0.1
"""What a part between strong marks must reach to count as a wish of its own."""
_PARTS = 12
_HALF, _HALF_MARGIN = 0.45, 0.35
"""What both sides of a mere comma must reach."""
_COMMAS, _LONG = 6, 160
"""So many commas of a message are looked at, and none of a longer one."""
_SMALL_TALK = frozenset({"greeting", "thanks_bye", "help", OUT})
_STRONG = re.compile(
    r"[;；。\n？?！!]+|\. |另外|顺便|还有(?!没|什|哪|吗)|再问|再帮|再说|同时(?!满足)|然后|完了|以及"
    r"|[,，、 ](?:还|再|也|那|顺带|并且|并|接着|最后|对了)(?=想|帮|看|问|查|有|把|给|要|请)"
    r"|[,，、](?:再|还|也|另|又|此外|回头|正好|定之前|之后|后面|跟着|下一步|(?:那|至于)(?=.{0,6}(?:呢|怎么)))"
    r"|\b(?:and also|also|and then|then|plus|besides|by the way|btw)\b"
)
_COMMA = re.compile(r"[,，、]|\band\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """Intents best first (`out_of_scope` where nothing fits); the wishes to be served, in order, each with the words it stands in."""

    scores: tuple[Score, ...] = ()
    wishes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def between(self) -> tuple[str, ...]:
        """The wishes, at most three, between which a message hangs (or between one and being out of scope); empty where one is clear or none fits."""
        if self.wishes or not self.scores or self.scores[0].name in _SMALL_TALK - {OUT}:
            return ()
        tied = [s.name for s in self.scores if s.score >= max(NEAR, self.scores[0].score - TIED) and s.name not in _SMALL_TALK]
        return tuple(tied[:3]) if len(tied) > 1 or self.scores[0].name == OUT else ()

    def without(self, wish: str) -> Reading:
        """The same without a wish that turned out to be none."""
        kept = [(name, part) for name, part in zip(self.wishes, self.parts, strict=True) if name != wish]
        return replace(self, wishes=tuple(name for name, _ in kept), parts=tuple(part for _, part in kept))


def read(text: str, knowledge: Knowledge) -> Reading:
    """Read what the person wants; several wishes where parts of the message clearly want different things."""
    whole = _rank(text, knowledge)
    if phrases.is_figure(text) and whole[0].score < ALONE:  # word for word some do (88), but none wants what it merely looks like
        return Reading((Score(OUT, 0.0),))
    if len(several := _several(text, knowledge)) > 1:
        first = [score for score, _ in several][:3]
        names = [s.name for s in first]
        return Reading((*first, *(s for s in whole if s.name not in names)), tuple(names), tuple(part for _, part in several[:3]))
    return Reading(tuple(whole), *(((whole[0].name,), (text,)) if _is_sure(whole) else ((), ())))


def _rank(text: str, knowledge: Knowledge) -> list[Score]:
    found = [Score(m.label, round(min(1.0, m.score + LENIENT * (m.label == OUT)), 4)) for m in knowledge.matcher.rank(text, 6)]
    found.sort(key=lambda s: -s.score)
    if not found or found[0].score < FITS:  # nothing is said of what would fit
        return [Score(OUT, next((s.score for s in found if s.name == OUT), 0.0)), *(s for s in found if s.name != OUT)]
    return found


def _margin(scores: Sequence[Score]) -> float:
    """How far the best is ahead of the next; that something may be out of scope only counts where it comes very near."""
    following = [s.score for s in scores[1:] if s.name != OUT or scores[0].score - s.score < HARDLY]
    return scores[0].score - max(following, default=0.0)


def _is_sure(scores: Sequence[Score]) -> bool:
    return (scores[0].score >= ALONE and _margin(scores) >= MARGIN / 2) or (scores[0].score >= SURE and _margin(scores) >= MARGIN)


def _several(text: str, knowledge: Knowledge) -> list[tuple[Score, str]]:
    """The wishes of a message that holds more than one, each with its words; between strong marks, or around one comma."""
    parts = [p for p in (part.strip(" ，,、") for part in _STRONG.split(text)) if len(p) >= 2]
    found: dict[str, tuple[Score, str]] = {}
    for part in parts[:_PARTS] if len(parts) > 1 else ():
        scores = _rank(part, knowledge)
        best = scores[0]
        if best.score >= _PART and _margin(scores) >= _PART_MARGIN and best.name not in _SMALL_TALK:
            found.setdefault(best.name, (best, part))
    if len(found) > 1:
        return list(found.values())
    halves: list[tuple[float, list[tuple[Score, str]]]] = []
    for comma in itertools.islice(_COMMA.finditer(text), _COMMAS if len(text) <= _LONG else 0):
        sides = (text[: comma.start()].strip(), text[comma.end() :].strip())
        if min(map(len, sides)) < 3:
            continue
        ranked = [_rank(side, knowledge) for side in sides]
        names = {r[0].name for r in ranked}
        if len(names) == 2 and not names & _SMALL_TALK and min(r[0].score for r in ranked) >= _HALF:
            halves.append((min(map(_margin, ranked)), [(r[0], side) for r, side in zip(ranked, sides, strict=True)]))
    margin, best_halves = max(halves, key=lambda h: h[0], default=(0.0, []))
    return best_halves if margin >= _HALF_MARGIN else []
