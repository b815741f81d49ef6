"""`try TEXT`: how a message is read and answered, step by step, in words for admins or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from dialogs.answers import Voice
from dialogs.texts import texts
from dialogs.trying import Trial, trial
from dialogs.wanting import OUT
from knowledge.snapshot import Knowledge, citations
from knowledge.values import Found

KINDS = {
    "region": "地区", "ambiguous_region": "有几个的地名", "park": "园区", "segment": "方向", "money": "金额", "phase": "临床期", "device_class": "器械类别",
    "drug_class": "药品类别", "date": "日期", "stage": "企业阶段", "event": "事项", "phone": "电话", "email": "邮箱",
}  # fmt: skip


def run(text: str, knowledge: Knowledge, now: datetime, form: str) -> int:
    """Print how a message is read and answered."""
    tried = trial(text, knowledge, now)
    print(json.dumps(_as_json(tried, knowledge), ensure_ascii=False, indent=1) if form == "json" else "\n".join(_lines(text, tried, knowledge, now)))
    return 0


def _lines(text: str, tried: Trial, knowledge: Knowledge, now: datetime) -> Iterator[str]:
    voice = Voice(knowledge, now.date(), texts("zh"))
    yield f"读成：{tried.text}" + ("" if tried.text == text else f"（原话：{text}）")
    yield "意图："
    for number, (score, why) in enumerate(tried.intents[:4], 1):
        words = "、".join(f"{gram} {share:+.2f}" for gram, share in why.words)
        near = f"最像例句“{why.near}”" if why.near else "没有相近的例句"
        yield f"  {number}. {_label(score.name, knowledge)}（{score.name}）{score.score:.2f}　{near}" + (f"；起作用的字词：{words}" if words else "")
    yield f"决定：{_decision(tried, knowledge)}"
    yield "认出：" + ("、".join(_value(f, knowledge) for f in tried.found) or "没有")
    yield "记录：" + ("" if tried.hits else "没有对得上的")
    for number, hit in enumerate(tried.hits, 1):
        places = "、".join(f"{c.document} {c.section}" for c in citations(hit.record)[:2])
        taken = "　← 用它回答" if hit.record.id == tried.answered_with else ""
        yield f"  {number}. {voice.name(hit.record)}（{hit.record.id}，{places}）相符 {hit.score:.2f}，名称相符 {hit.title:.2f}{taken}"
    yield "回答："
    for reply in tried.turn.replies:
        yield from (f"  {line}" for line in reply.text.splitlines())
        if reply.options:
            yield "  " + "".join(f"[{o.label}]" for o in reply.options)


def _decision(tried: Trial, knowledge: Knowledge) -> str:
    if tried.wishes:
        return "，再".join(_label(name, knowledge) for name in tried.wishes)
    if tried.between:
        return "拿不准：" + "、".join(_label(name, knowledge) for name in tried.between)
    return "看不出想做什么" if tried.intents[0][0].name == OUT else f"像“{_label(tried.intents[0][0].name, knowledge)}”，但不够有把握，先从记录里找"


def _label(name: str, knowledge: Knowledge) -> str:
    return knowledge.intents[name].label.zh if name in knowledge.intents else name


def _value(found: Found, knowledge: Knowledge) -> str:
    value = knowledge.regions[found.token].name if found.kind == "region" else found.token or str(found.value)
    return f"{KINDS.get(found.kind, found.kind)} {value}（“{found.text}”）"


def _as_json(tried: Trial, knowledge: Knowledge) -> dict[str, object]:
    return {
        "read": tried.text,
        "intents": [{"name": s.name, "score": s.score, "near": w.near, "words": [list(word) for word in w.words]} for s, w in tried.intents],
        "wishes": list(tried.wishes),
        "between": list(tried.between),
        "entities": [{"kind": f.kind, "value": f.value, "text": f.text} for f in tried.found],
        "records": [
            {"id": h.record.id, "score": h.score, "title": h.title, "citations": [[c.document, c.section] for c in citations(h.record)]}
            for h in tried.hits
        ],
        "answered_with": tried.answered_with or None,
        "replies": [r.text for r in tried.turn.replies],
    }
