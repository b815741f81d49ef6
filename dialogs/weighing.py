"""Questions that weigh parks: why this one and why not that, two side by side, the second one, what else there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dialogs import asking, phrases, reading, shortlists, sides, siting
from dialogs.answers import fit
from dialogs.conversation import Frame
from dialogs.messages import Option
from dialogs.script import FreeText
from dialogs.scripts.park_selection import LISTED, Shortlist
from dialogs.talk import Talk
from knowledge import comparing, parks
from knowledge.parks import Wishes
from knowledge.records import Park
from knowledge.values import Found, normalise

_LONGEST = 80
"""A longer message tells a story: its wishes are read as such."""
_COUNTED = r"(?:个|类|次)?(?:类|期|年|月|天|季|产品|条|项|点|步|阶段)"
"""What is counted in the same words and is no park (前两个月, 第一个产品)."""
_OTHER = rf"(?!{_COUNTED})"
_ELSE = re.compile(rf"[第前后][一两二三123]{_COUNTED}")
_UNIT = r"(?:个|家|处|名|位|款|号)?"
_NTH = re.compile(
    rf"第([一二三123]){_OTHER}{_UNIT}|(首选|头一个)|(最后一[个家处名位](?!问题|产品|月|年))|\b(first|second|third|last)\b(?! (?:two|three|[23])\b)"
)
_PAIR = re.compile(rf"(?<![\w.])第?([一二三123]){_UNIT}(?:和|跟|与|同|、|/| ?(?:and|vs\.?|or) ?)第?([一二三123]){_OTHER}{_UNIT}(?![\d.万亿%])")
_FIRST_FEW = re.compile(rf"(?:前面?|头)([两二三23]){_OTHER}|\b(?:first|top) (two|three|[23])\b")
_LAST_FEW = re.compile(rf"(?<!前)(?:最后|后面?)([两二三23]){_OTHER}|\blast (two|three|[23])\b")
_WHY = re.compile(r"为什么|为啥|为何|凭什么|凭啥|怎么(?=不|没|就|会|把)|理由|依据是|\bwhy\b|\breasons?\b")
_NOT = re.compile(
    r"(?<!是)不(?:是|选|推荐|推|行|考虑|列|放|去|给|合适|适合)|没(?:有|推荐|选|列|上|提|进)|排(?:在)?(?:后面|第[二三])|落选|\bnot\b|n't\b"
)
_LISTED = re.compile(r"推荐|选|排|首|挑|列|\b(?:recommend|first|pick|choose|suggest|top)")
_SIDES = re.compile(r"比一?比|(?<![价占同环])比(?=[吧呢下看]|$)|比一下|比较|对比|并排|哪[个家边处一](?:个)?(?:更|好|强|合适|适合|划算|对口)|怎么选|选哪|区别|差别|差在哪|不同|优劣|还是|二选一|三选一|\b(?:vs|versus|compare|better|difference|or|side by side)\b")  # fmt: skip
_HOW = re.compile(r"怎么样|咋样|如何|好不好|好吗|行不行|行吗|how about|what about|tell me (?:more )?about")
_MORE = re.compile(
    r"(?:还有|有没有)(?:没有)?(?:别的|其他的?|其它的?|另外的)(?:园区?|地方|选择|推荐)?(?:吗|么|呢|没有?)?|别的(?:园区?|地方)?呢|为什么不是别的|为什么没有别的|换一批"
    r"|(?:any(?:thing)?|what|some) (?:else|others?|other (?:parks?|options?|places?))|other (?:parks?|options?)|more (?:parks?|options?)|why not (?:the )?others"
)
_NUMBERS = {"一": 1, "两": 2, "二": 2, "三": 3, "1": 1, "2": 2, "3": 3, "first": 1, "second": 2, "third": 3, "two": 2, "three": 3}
_PARTS = ("sides", "others")


def asked(talk: Talk) -> bool:
    """Answer a message that weighs parks, if it is one."""
    if isinstance(talk.asking(), FreeText) or len(talk.text) > _LONGEST:
        return False
    if _other_industry(talk) or siting.more_needs(talk):
        return True
    found = last(talk)
    values = talk.found
    if _WHY.search(talk.text) and _NOT.search(talk.text):  # what is asked about (为什么不是科技城) is not what is denied
        values = reading.located(talk.knowledge.vocabulary.read(_NOT.sub(" ", talk.text), talk.stage.today), talk.knowledge)
    those = _meant(talk, values, found[1] if found else None)
    if len(those) > 1 and (_SIDES.search(talk.text) or phrases.compares(talk.text)):
        return _side_by_side(talk, those)
    if siting.fields(talk):
        return True
    if found is None or not (talk.state.top is not None and talk.state.top.run == found[0].run):
        return False
    return siting.other_needs(talk, *found) or _left_out(talk, found[1]) or _of_shortlist(talk, *found, values, those)


def _other_industry(talk: Talk) -> bool:
    """Say that the papers name no park for an industry that is not theirs, and recommend none."""
    question = talk.asking()
    for_parks = "park_selection" in talk.wants.wishes or "园区" in talk.text or (question is not None and question.key == "segment")
    name = talk.knowledge.other_industry(talk.text) if for_parks and not any(f.kind == "segment" for f in talk.found) else None
    if name is None:
        return False
    talk.speak(talk.say("parks.other_industry", name=name), (Option(talk.say("common.human"), "!human"),))
    asking.ask(talk)
    return True


def _left_out(talk: Talk, found: Shortlist) -> bool:
    """Say of a park that is not wanted that the list keeps it, and what comes without it; it is never described."""
    said = siting.DROPS.search(talk.text)
    if not said or phrases.is_question(talk.text) or phrases.is_correction(talk.text) or _WHY.search(talk.text):
        return False
    bare = siting.DROPS.sub(" ", talk.text)  # what is denied is meant all the same
    those = _meant(talk, reading.located(talk.knowledge.vocabulary.read(bare, talk.stage.today), talk.knowledge), found)
    if not those:
        return False
    beside = [p for p in those if any(talk.text.startswith(normalise(n), said.end()) for n in (p.name, *p.aliases))]
    out = beside or list(those)
    names, rest = [talk.voice.called(p) for p in out], [m.park for m in found.ranking.matches if m.park not in out][:LISTED]
    lead = "parks.kept" if any(m.park in out for m in found.parks) else "parks.never_listed"
    then = talk.say("parks.without", names=talk.say.join([talk.voice.called(p) for p in rest])) if rest else talk.say("parks.no_more")
    shows = tuple(Option(talk.voice.label(p), fit(f"!show:{p.id}")) for p in rest[:2])
    talk.speak(talk.voice.sentences(talk.say(lead, names=talk.say.join(names)), then), shows)
    _remember(talk, "")
    return True


def _of_shortlist(talk: Talk, frame: Frame, found: Shortlist, values: Sequence[Found], those: Sequence[Park]) -> bool:
    """Answer what is asked of the shortlist that was just told."""
    asks_why = bool(_WHY.search(talk.text))
    if asks_why and _NOT.search(talk.text) and (others := those or _best_of_places(talk, values, found)):
        for park in others[:2]:
            talk.replies.append(sides.why_not(talk.voice, comparing.why_not(talk.knowledge, found.wishes, park.id), frame.run))
    elif _MORE.search(talk.text) and found.ranking.matches:
        talk.replies.append(shortlists.others(talk.voice, found, frame.run))
    elif not found.parks:
        return False
    elif asks_why and (those or _LISTED.search(talk.text) or phrases.bare(talk.text) in ("为什么", "为啥", "why")):
        _why(talk, frame.run, found, those[0] if those else found.parks[0].park)
    elif those and _NTH.search(talk.text) and _HOW.search(talk.text):
        _why(talk, frame.run, found, those[0])
    elif _SIDES.search(talk.text) and not talk.found and not _ELSE.search(talk.text) and len(found.parks) > 1 and len(talk.text) <= 12:
        _side_by_side(talk, [m.park for m in found.parks])
    else:
        return False
    _remember(talk, those[0].id if those else found.parks[0].park.id if found.parks else "")
    return True


def tapped(talk: Talk, argument: str) -> bool:
    """A button under a shortlist: side by side, or what else there is; False where the shortlist is gone."""
    run, _, part = argument.partition(".")
    found = last(talk, run)
    if found is None or not found[1].ranking.matches or not (part in _PARTS or part in talk.knowledge.parks):
        return False
    talk.tapped = talk.say("parks.others" if part == "others" else "parks.compare" if part == "sides" else "parks.compare_first")
    if part != "others":
        matches = found[1].parks
        return _side_by_side(talk, [m.park for m in matches] if part == "sides" else [matches[0].park, talk.knowledge.parks[part]])
    talk.replies.append(shortlists.others(talk.voice, found[1], run))
    return True


def last(talk: Talk, run: str = "") -> tuple[Frame, Shortlist] | None:
    """The last finished choice of a park (that of `run`) and its shortlist."""
    for frame in reversed(talk.state.frames):
        if frame.dialog == "park_selection" and frame.done and run in ("", frame.run):
            outcome = talk.stage.run(frame).outcome
            if outcome is not None and isinstance(outcome.data, Shortlist):
                return frame, outcome.data
    return None


def _meant(talk: Talk, values: Sequence[Found], found: Shortlist | None) -> list[Park]:
    """The parks that a message means: by their names, or by their place on the shortlist."""
    knowledge, those = talk.knowledge, dict[str, Park]()
    for value in values:
        key = value.token if value.kind == "park" else knowledge.parks_called.get(value.text, "") if value.kind == "region" else ""
        if key in knowledge.parks:
            those.setdefault(key, knowledge.parks[key])
    for match in [found.parks[n - 1] for n in _places(talk.text, len(found.parks))] if found else ():
        those.setdefault(match.park.id, match.park)
    if any(v.kind == "region" for v in values):  # 邳州还是睢宁: two districts of one region
        text = talk.text
        for name, key in sorted(knowledge.parks_called.items(), key=lambda n: -len(n[0])):
            if knowledge.parks[key].kind == "district" and name in text:
                those.setdefault(key, knowledge.parks[key])
                text = text.replace(name, " ")
    return sorted(those.values(), key=lambda p: min((at for n in (p.name, *p.aliases) if (at := talk.text.find(normalise(n))) >= 0), default=0))


def _places(text: str, count: int) -> list[int]:
    """The places on a list of so many that a message names, in its order: the first two, the first and the third, the last."""
    named = [(m, [count if m[3] or m[4] == "last" else 1 if m[2] else _NUMBERS[m[1] or m[4]]]) for m in _NTH.finditer(text)]
    named += [(m, [_NUMBERS[m[1]], _NUMBERS[m[2]]]) for m in _PAIR.finditer(text)]
    named += [(m, list(range(1, _NUMBERS[m[1] or m[2]] + 1))) for m in _FIRST_FEW.finditer(text)]
    named += [(m, list(range(count + 1 - _NUMBERS[m[1] or m[2]], count + 1))) for m in _LAST_FEW.finditer(text)]
    named.sort(key=lambda said: said[0].start())
    return [n for n in dict.fromkeys(n for _, numbers in named for n in numbers) if 1 <= n <= count]


def _best_of_places(talk: Talk, values: Sequence[Found], found: Shortlist) -> list[Park]:
    """Where only a region is named (为什么不是昆山), the park of it that comes nearest."""
    regions = [f.token for f in values if f.kind == "region"]
    return [p for r in regions[:2] if (p := _nearest(talk, found, r)) is not None]


def _nearest(talk: Talk, found: Shortlist, region: str) -> Park | None:
    inside = {p.id for p in talk.knowledge.parks_in(region)}
    matches = (m.park for m in found.ranking.matches if m.park.id in inside)
    anywhere = parks.rank(talk.knowledge, replace(found.wishes, regions=())).matches
    return next(matches, None) or next((m.park for m in anywhere if m.park.id in inside), next(iter(talk.knowledge.parks_in(region)), None))


def _why(talk: Talk, run: str, found: Shortlist, park: Park) -> None:
    """Why a park stands where it stands; of one that is not on the list, why not."""
    ranked = found.ranking.matches
    match = next((m for m in ranked[:LISTED] if m.park.id == park.id), None)
    if match is None:
        talk.replies.append(sides.why_not(talk.voice, comparing.why_not(talk.knowledge, found.wishes, park.id), run))
        return
    beside = ranked[1] if match is ranked[0] and len(ranked) > 1 else ranked[0] if match is not ranked[0] else None
    place = found.ranking.place(park.id) or 1
    talk.replies.append(sides.why(talk.voice, match, beside, found.wishes, place))


def _side_by_side(talk: Talk, those: Sequence[Park]) -> bool:
    """Two or three parks side by side, by what is known of the company."""
    wishes = _wishes(talk)
    talk.replies.append(sides.comparison(talk.voice, comparing.compare(talk.knowledge, wishes, [p.id for p in those[:LISTED]])))
    _remember(talk, "")
    return True


def _wishes(talk: Talk) -> Wishes:
    """What parks are compared by: the wishes of the last shortlist, and the field that the message names, or that is known."""
    found = last(talk)
    wishes = found[1].wishes if found else Wishes()
    named = {f.token for f in talk.found if f.kind == "segment"}
    if len(named) == 1:
        return replace(wishes, segment=named.pop())
    known = talk.state.profile.get("segment")
    return wishes if wishes.segment or known not in talk.knowledge.segments else replace(wishes, segment=known)


def _remember(talk: Talk, subject: str) -> None:
    talk.free = True
    talk.state = replace(talk.state, misses=0, subject=subject or talk.state.subject)
