"""What a company says of itself: what it is (stage) and what has happened to it (event), in the words in which people say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from knowledge.cues import CUES
from knowledge.denial import denied, holds
from knowledge.event_cues import OUTCOMES
from knowledge.facts import FactType
from knowledge.names import Name, Names
from knowledge.numerals import Found, normalise

_ALL = (*CUES, *OUTCOMES)
_BY_NEEDLE: dict[str, list[int]] = {}
for _place, _one in enumerate(_ALL):
    for _needle in _one[2].split():
        _BY_NEEDLE.setdefault(_needle, []).append(_place)


@cache
def _cue(number: int) -> tuple[str, str, re.Pattern[str]]:
    """The kind, the token and the pattern of a cue, compiled when a message first holds one of its needles."""
    kind, token, _, patterns = _ALL[number]
    return kind, token, re.compile("|".join(patterns))


def warm() -> None:
    """Compile every cue: a server does so at its start, so that no turn has to (the command line has no time for it)."""
    for number in range(len(_ALL)):
        _cue(number)


_SAYS_NO = {"not_registered", "joint_rd"}  # their own words deny something
_SAYS_SOON = {"pre_ipo"}  # and these plan something
_NOT_INSIDE = re.compile("没(?!问题|错)|未(?!来)|还在")
_FIRST = re.compile("首次$")  # the papers' word: 首次拿证补多少
_SURE = re.compile("中标|拿到|到账|到位|获批|获评|评上|通过|取得|获得|已认定|认定$|在做")
"""An alias with such a word says by itself that it has happened; another one only as the whole message."""
_FILL = re.compile(r"(?:我们?|公司|产品|已经?|刚刚?|有|是|了|的|申请|认定|新|取得|拿到?|[\s,、和及与。.!~])*")


_PROJECT = r"(?:国家|省级?|江苏省?)?的?(?:重大新药创制|(?:科技)?重大专项|重点研发计划)(?:科技)?(?:重大)?(?:专项|项目|课题|子课题)*"
_UNDERTAKEN = re.compile(
    rf"(?:承担(?:了|着|过)|(?:我们?|公司|正?在|已经?)承担|拿到?了|拿下了?|获得?了|中了|入选了?|立项了?|批了|牵头了?|参与了)[^,。;!?没未]{{0,8}}?{_PROJECT}"
    rf"|{_PROJECT}[^,。;!?没未]{{0,6}}?(?:立项|立上|获批|批了|批下来|拿到|拿下|到手|中了|入选|通过了|承担了|在做|在研)(?!吗|没|要|条件|怎|标准)"
    r"|(?:won|got|awarded|undertak\w+|running) [^,.;!?]{0,30}major (?:science|new drug)[^,.;!?]{0,20}projects?"
)


def undertakes(text: str) -> bool:
    """Whether a message says that the company has a national or provincial science project (重大新药创制立项了)."""
    said = normalise(text)
    return any(holds(said, *match.span()) for match in _UNDERTAKEN.finditer(said))


class Claims:
    """The stages and events of a knowledge base, ready to be found in messages."""

    def __init__(self, facts: Iterable[FactType]) -> None:
        self._names: dict[str, Names] = {}
        for fact in facts:
            if kind := {"stage": "stage", "events": "event"}.get(fact.key):
                names: Mapping[str, Name] = {
                    normalise(name): (kind, o.token, o.token) for o in fact.options if o.token != "other" for name in (o.label.zh, *o.aliases)
                }
                self._names[kind] = Names(names)

    def read(self, text: str) -> Iterator[Found]:
        """What the message says to be so."""
        tried = sorted({number for needle, numbers in _BY_NEEDLE.items() if needle in text for number in numbers})
        for kind, names in self._names.items():
            named = [name for name in names.read(text) if not (name.text == "拿证" and _FIRST.search(text, 0, name.start))]
            if kind == "event" and (weak := [name for name in named if not _SURE.search(name.text)]):
                alone = _only(text, named)
                named = named if alone else [name for name in named if name not in weak]
            cues = [Found.at(kind, token, text, match.span()) for k, token, cue in map(_cue, tried) if k == kind for match in cue.finditer(text)]
            if named or cues:
                yield from _claimed(text, [*named, *cues])


def _only(text: str, named: list[Found]) -> bool:
    """Whether a message says nothing but these names."""
    at = 0
    for name in named:
        if not _FILL.fullmatch(text, at, name.start):
            return False
        at = name.end
    return _FILL.fullmatch(text, at) is not None


def _claimed(text: str, claims: list[Found]) -> Iterator[Found]:
    """The claims that hold: the longest of those that overlap, unless their words deny them or only plan them."""
    taken: set[int] = set()
    for claim in sorted(claims, key=lambda claim: (claim.start - claim.end, claim.start)):
        span = range(claim.start, claim.end)
        if taken.isdisjoint(span):
            taken.update(span)
            held = not denied(text, claim.start, claim.end) if claim.token in _SAYS_SOON else holds(text, claim.start, claim.end)
            if claim.token in _SAYS_NO or (held and not _NOT_INSIDE.search(claim.text)):
                yield claim
