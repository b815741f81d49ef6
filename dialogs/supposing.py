"""What if: a finished pre-check judged anew with one answer changed, and what would be different; the answers stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from dialogs import ahead, answering, asking, clashes, frames, phrases, pointing, products, reports
from dialogs.conversation import Frame
from dialogs.messages import Option, Reply
from dialogs.reports import SHOWN
from dialogs.script import NONE, UNKNOWN
from dialogs.talk import Talk
from knowledge.assessments import Assessment
from knowledge.money import Money
from knowledge.precheck import Report
from knowledge.rules import Verdict, generic, key_for
from knowledge.supports import Criterion

_IF = re.compile(
    r"那?么?(?:如果|要是|假如|假设|假使|万一|若是?|倘若)(?:说|我们?|公司|咱们?)*(?P<zh>.+?)(?:的话)?[,，]?(?:结果|那|又|就)*(?:会?怎么?样|会不会变|会变吗|能拿多少|能拿吗|行吗|可以吗|行不行|呢|呀|啊|符合了?吗)*"
    r"|(?:and |but |so )?(?:what )?(?:happens )?if (?:we |i |it |there |only |is |are |was |were |had |have |has |got |get )*(?P<en>.+?)"
)
_KINDS = ("met", "near", "open", "not_yet", "window_over")


def words_of(text: str) -> str:
    """What a message supposes (如果是三类呢 → 是三类), or ""."""
    said = _IF.fullmatch(text)
    return (said["zh"] or said["en"]) if said else ""


def told(talk: Talk, frame: Frame, report: Report, words: str) -> bool:
    """Judge anew with what is supposed, and say what would be different; the stored answers stay."""
    message = talk.text
    talk.hear(words)
    given = None if phrases.is_question(words) else _given(talk, frame, report)
    if isinstance(given, products.Which):
        talk.speak(talk.say("asked.which", products=talk.say.join([talk.say("dialog.product", number=i) for i in products.ids(frame)])))
        talk.free, talk.state = True, replace(talk.state, misses=0)
        return True
    supposed = frames.answer(talk.state, talk.stage, {**given, "enough": "yes"}).top if given is not None else None
    outcome = talk.stage.run(supposed).outcome if supposed is not None else None
    if given is None or supposed is None or outcome is None or not isinstance(outcome.data, Report):
        talk.hear(message)
        return False
    anew = {k: ",".join(t for t in v.split(",") if t not in frame.answers.get(k, "").split(",")) for k, v in given.items()}
    change = products.told(talk, supposed, given) if any(k.startswith("product") for k in given) else asking.labels(talk, anew, supposed)
    talk.free, talk.state = True, replace(talk.state, misses=0)
    if clashes.would(talk, given):
        talk.speak(talk.say("asked.clash", change=change), (Option(talk.say("common.edit"), f"!edit:{frame.run}"),))
        return True
    lines, rows = _difference(talk, report, outcome.data)
    lead = talk.say("asked.what_if", change=change if given else talk.say("asked.as_is"))
    options = (Option(talk.say("asked.take"), f"!so:{frame.run}.{talk.state.turn}"), Option(talk.say("common.leave"), "!leave")) if given else ()
    text = "\n".join([lead, *(lines or [talk.say("asked.same")]), talk.say("asked.kept")])
    talk.replies.append(Reply(text, options, talk.voice.sources(r.support.source for r in rows)))
    return True


def _given(talk: Talk, frame: Frame, report: Report) -> Mapping[str, str] | products.Which | None:
    """The answers that are supposed; None where the words hold none, empty where they are the answers that there are."""
    talk.text = re.sub(r"再多|又多|多(?=[一1]个)", "再加", talk.text).replace("more ", "another ", int("one more" not in talk.text))
    listed, meant = products.ids(frame), products.change(talk, frame)
    if meant:
        return meant
    given = {k: v for k, v in ahead.passing(talk).items() if k != "region"}
    if "products" in given and listed and given["products"] == "1":
        if len(listed) > 1:
            return products.Which("", ())
        given = {k.replace("product.1.", f"product.{listed[0]}."): v for k, v in given.items() if k != "products"}
    elif len(listed) == 1 and (year := pointing.fields(talk, talk.text).get("year")):
        given[f"product.{listed[0]}.year"] = year
    money = [f.token for f in talk.found if f.kind == "money" and f.token]
    if not given and len(money) == 1:  # a sum alone is that of the only condition in reach that asks for one
        within = [*report.groups.get("near", ()), *report.groups.get("open", ())]
        limits = {key_for(c.fact, r.subject): b for r in within for c in sums(r) if c.fact and isinstance(b := c.at_least or c.above, Money)}
        keys = [k for k, b in limits.items() if b.currency == Money.parse(money[0]).currency]
        given = {keys[0]: money[0]} if len(keys) == 1 else {}
    if not given or any(generic(k) not in talk.knowledge.facts for k in given):
        return None
    for key in [k for k in given if talk.knowledge.facts[generic(k)].type == "choices"]:
        chosen = {*frame.answers.get(key, "").split(","), *given[key].split(",")} - {"", NONE, UNKNOWN}
        given[key] = ",".join(o.token for o in talk.knowledge.facts[key].options if o.token in chosen)
    return {k: v for k, v in given.items() if frame.answers.get(k) != v}


def _difference(talk: Talk, before: Report, after: Report) -> tuple[list[str], list[Assessment]]:
    """What comes to fit, falls away or comes near, and what the sum would be; with the rows that this is told of."""
    say, voice = talk.say, replace(talk.voice, today=after.today)
    was, now = ({k: {r.support.id: r for r in report.groups.get(k, ())} for k in _KINDS} for report in (before, after))
    known, left = ({i: r for rows in groups.values() for i, r in rows.items()} for groups in (was, now))
    changes = [
        ("gained", "met", [r for i, r in now["met"].items() if i not in was["met"]]),
        ("lost", "met", [r for i, r in was["met"].items() if i not in now["met"]]),
        *(("nearer", k, [r for i, r in now[k].items() if i not in known]) for k in _KINDS[1:]),
        ("further", "", [r for i, r in known.items() if i not in left and i not in was["met"]]),
    ]
    lines, told = list[str](), list[Assessment]()
    for name, group, rows in (c for c in changes if c[2]):
        names = [
            voice.colon(voice.called(r.support), voice.amount(r.support)) if name != "further" else voice.called(r.support) for r in rows[:SHOWN]
        ]
        lines.append(say(f"asked.{name}", group=say(f"report.group_{group}") if group else "", count=len(rows), names=voice.clauses(names)))
        told += rows[:SHOWN]
    moved = [r for k in ("near", "open") for i, r in now[k].items() if i in known and known[i].found != r.found][:SHOWN]
    if moved:
        lines += [say("asked.moved", count=len(moved)), *(line for r in moved for line in reports.row_lines(voice, after, [r]))]
    sums_of = [voice.estimate(t.low, t.high, t.currency) if (t := report.total) else say("asked.no_total") for report in (before, after)]
    if sums_of[0] != sums_of[1]:
        lines.append(say("asked.total", before=sums_of[0], after=sums_of[1]))
        moved += [r for t in (after.total or before.total,) if t for r in t.counted]
    return lines, [*told, *moved]


def taken(talk: Talk, frame: Frame, report: Report, words: str) -> bool:
    """Take over what was supposed, as a change of the answers; False where there is nothing to change."""
    talk.hear(words)
    given = _given(talk, frame, report)
    if not isinstance(given, Mapping) or not given:
        return False
    talk.tapped = talk.say("asked.take")
    if any(k.startswith("product") for k in given):
        products.amend(talk, given)
    else:
        answering.change(talk, given)
    return True


def sums(row: Assessment) -> list[Criterion]:
    """The conditions of a row on a sum of money that are not met."""
    bounds = ((c, (c.at_least, c.above, c.at_most, c.below)) for c, v in row.verdicts if v in (Verdict.NOT_MET, Verdict.UNKNOWN))
    return [c for c, limits in bounds if any(isinstance(b, Money) for b in limits)]
