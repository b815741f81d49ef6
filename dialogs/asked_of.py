"""Questions about the result of a pre-check: what is missing, why not, what would change it, what if, how much it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dialogs import ahead, finding, phrases, products, reports, supposing
from dialogs.conversation import Frame
from dialogs.messages import Option, Reply
from dialogs.script import UNKNOWN
from dialogs.talk import Talk
from knowledge.assessments import Assessment
from knowledge.grouping import FAILED, printed
from knowledge.precheck import Report
from knowledge.rules import Verdict
from knowledge.values import normalise

_LONGEST = 60
"""A longer message tells a story."""
_WORD = 3
"""So many characters of a support's name say which is meant."""
_GAP = re.compile(
    r"(?:还|都)*(?:差|缺|少)(?:了|着|的是)?(?:些|点)?(?:(?:什么|啥|哪些?)(?:条件|要求|东西|项|条|个)?|哪几[项个条]|在哪里?)|(?:还|需要|要)*(?:满足|具备|补上?)(?:什么|哪些|啥)(?:条件|要求)?"
    r"|(?:怎么|怎样|如何|怎么样)(?:做|办)?才?(?:能|可以|会)*(?:拿到|拿得到|符合|够得?上|达到|申请到|满足)"
    r"|what(?:'s| is| are we| am i)? (?:still )?missing|what (?:else )?do (?:we|i) (?:still )?(?:need|lack)|how (?:can|do|could) (?:we|i) (?:get|qualify for)(?: it| them| those| this)?"
)
_WHY = re.compile(r"为什么|为啥|为何|凭什么|凭啥|怎么(?=不|没|就|会|拿不)|\bwhy\b")
_NOT = re.compile(
    r"(?:不(?:符合|行|满足|够|算|合格|达标)|(?:拿|申请|享受|报)不(?:到|了|上)|不能(?:拿|申请|报|享受|给)?|没(?:有|资格)?)(?:条件|要求)?|\b(?:does|do|did|is|are)(?:n't| not)?\b|\b(?:not|fit|qualify)\b"
)
_CHANGES = re.compile(
    r"(?:什么|啥|哪些|怎么样?|怎样|如何)(?:情况|答案|条件)?(?:做|才|会|能|可以|就|让)*(?:改变|影响|变)(?:了|这个)*(?:结果|结论)?|what (?:would|could|can|will) change(?: the results?| it| that| this)?"
)
_BOUND = re.compile(
    r"(?:要|需要?|得|到账|至少|到|有)*(?:多少|几)(?:钱|万|资金|金额|美元|外资)?才(?:行|够|可以|能?符合|算|能拿到?)|还?差了?(?:多少|几)(?:钱|万|美元)?|how much (?:would be enough|is (?:needed|enough|missing)|more|does it take)"
)
_FILLER = re.compile(
    r"我们?|咱们?|公司|那些|这些|[这那][个条项笔]?|到底|现在|请问|一下|都|还|就|会|的|了|呢|啊|吗|呀|是|说|要|才|它|\b(?:the|for|we|i|it|of|that|this|to|get)\b|[\s,.，。、!！?？“”\"'’]+"
)


def asked(talk: Talk) -> bool:
    """Answer a question about the result of the pre-check that was finished last, if the message is one."""
    text = phrases.bare(talk.text)
    words = supposing.words_of(text)
    asks = (_WHY.search(text) and _NOT.search(text)) or any(p.search(text) for p in (_GAP, _CHANGES, _BOUND)) or _WHY.fullmatch(text)
    if len(talk.text) > _LONGEST or not (words or (asks and not phrases.is_correction(text))):
        return False
    frame, report = last(talk)
    if frame is None or report is None or set(finding.named(talk)) - {report.region, *talk.knowledge.upward(report.region)}:
        return False
    if words:
        return supposing.told(talk, frame, report, words)
    meant = _meant(talk, report, text)
    if meant is None:
        return False
    voice = replace(talk.voice, today=report.today)
    near, unsure = report.groups.get("near", []), report.groups.get("open", [])
    over = [r for r in report.groups.get("window_over", ()) if Verdict.UNKNOWN in r.found] if not (near or unsure) else []
    within = [*near, *unsure, *over]
    if _BOUND.search(text):
        told = _bounds(talk, report, meant or within)
    elif meant:
        failing = [r for r in meant if r.failed] if _WHY.search(text) else []
        told = _rows(talk, report, sorted(failing, key=lambda r: (len(r.failed), -printed(r.support))) or meant)
        if _WHY.search(text) and not failing:  # how it stands, since it does not fail
            told = [([lines[0], f"  {reports.headline(voice, row)}", *lines[1:]], row) for lines, row in told]
    else:
        told = _rows(talk, report, near if _WHY.search(text) or (_CHANGES.search(text) and near) else within)
    lines = [line for lines, _ in told[: reports.SHOWN] for line in lines]
    if told and not meant and not _BOUND.search(text):
        lines.insert(0, talk.say("asked.lead", count=len(told)))
    if len(told) > reports.SHOWN:
        lines.append(talk.say("report.rest", count=len(told) - reports.SHOWN, where=talk.say("report.where_basis")))
    if over and told and not meant:
        lines.append(talk.say("report.window_group_note"))
    if not told:
        lines.append(talk.say("asked.no_bound" if _BOUND.search(text) else "asked.none_near" if _WHY.search(text) else "asked.nothing_missing"))
    if not meant and not _BOUND.search(text):
        if not told and not _WHY.search(text):
            lines.append(reports.answer(voice, report))
        if (failed := report.folded.get(FAILED)) is not None:
            lines.append(talk.say("report.folded", count=failed.supports, where=talk.say("report.where_basis")))
    options = (Option(talk.say("report.see_basis"), f"!basis:{frame.run}.0"), Option(talk.say("common.edit"), f"!edit:{frame.run}"))
    talk.replies.append(Reply("\n".join(lines), options, voice.sources(r.support.source for _, r in told[: reports.SHOWN])))
    _remember(talk)
    return True


def tapped(talk: Talk, argument: str) -> bool:
    """Take over the change that was asked about last; False where something else was said since."""
    frame, report = last(talk)
    words = supposing.words_of(phrases.bare(talk.knowledge.read(normalise(talk.before.last))))
    if frame is None or report is None or not words or argument != f"{frame.run}.{talk.before.turn}":
        return False
    return supposing.taken(talk, frame, report, words)


def last(talk: Talk) -> tuple[Frame | None, Report | None]:
    """The pre-check on top and its report, where it is finished."""
    frame = talk.state.top
    if frame is None or not frame.done or frame.dialog != "subsidy_precheck":
        return None, None
    outcome = talk.stage.run(frame).outcome
    return frame, outcome.data if outcome is not None and isinstance(outcome.data, Report) else None


def _meant(talk: Talk, report: Report, text: str) -> list[Assessment] | None:
    """The rows of the supports, the class or the product that a question names; none where it names none, None where it speaks of something else."""
    subject = f"product.{number}" if (number := ahead.item(talk)) else ""
    rows = [r for r in report.rows if r.subject in (subject, "company")] if subject else list(report.rows)
    names = {n: r.support.id for r in rows for n in map(normalise, filter(None, (r.support.name, *r.support.aliases, r.support.en))) if n in text}
    longest = max(map(len, names), default=0)
    by_name = {i for n, i in names.items() if len(n) == longest}
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    found = talk.knowledge.vocabulary.read(_NOT.sub(" ", text), talk.stage.today)  # what is asked about is not what is denied
    classes = {f.token for f in found if f.kind in ("device_class", "drug_class")}
    for words in (f.text for f in found if f.kind in ("device_class", "drug_class", "region", "ambiguous_region")):
        text = text.replace(words, " ")
    for pattern in (_GAP, _CHANGES, _BOUND, _WHY, _NOT):
        text = pattern.sub(" ", text)
    rest = _FILLER.sub("", products.unnamed(text))
    if by_name:
        return None if len(rest) >= _WORD else [r for r in rows if r.support.id in by_name]
    if classes:
        rows = [r for r in rows if any((c.fact or "").endswith("class") and classes & set(c.any_of) for c in r.support.criteria)]
    if rest and not (len(rest) == 1 and classes):  # 证: of a class
        rows = [r for r in rows if rest in normalise(r.support.name)] if len(rest) >= (1 if classes else _WORD) else []
        return rows or None
    if subject and not classes:  # of one of several products: what fails, or what is in reach
        near = rows if _WHY.search(talk.text) else [*report.groups.get("near", ()), *report.groups.get("open", ())]
        return [r for r in near if r.subject == subject and (r.failed or near is not rows)]
    return rows if classes else []


def _rows(talk: Talk, report: Report, rows: Sequence[Assessment]) -> list[tuple[list[str], Assessment]]:
    """The lines of each support in the report's own words, and the row that they speak of."""
    voice = replace(talk.voice, today=report.today)
    return [(reports.row_lines(voice, report, same), same[0]) for same in reports.by_support(rows)]


def _bounds(talk: Talk, report: Report, rows: Iterable[Assessment]) -> list[tuple[list[str], Assessment]]:
    """For each support the conditions on a sum that fail or are open, with what was said of it."""
    told = []
    for row in rows:
        for criterion in supposing.sums(row):
            said = report.facts.get(criterion.fact or "", UNKNOWN)
            so_far = talk.say("asked.said", amount=talk.voice.answer(criterion.fact or "", said)) if said != UNKNOWN else ""
            line = talk.say("report.line", name=talk.voice.called(row.support), amount=talk.voice.condition(criterion) + so_far)
            told.append(([line], row))
    return told


def _remember(talk: Talk) -> None:
    talk.free = True
    talk.state = replace(talk.state, misses=0)
