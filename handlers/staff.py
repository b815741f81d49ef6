"""The service team's command line: requests listed, shown, moved on and answered, all through the same shell as the chat."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dialogs import cases
from dialogs.asking import mask
from dialogs.messages import masked
from dialogs.texts import texts
from dialogs.turns import LOCAL, Turns
from storage.contract import Address, OutboxItem, Parked, place_of

LISTED = 500
"""How many requests are listed at once."""
LATE = timedelta(minutes=1)
"""After which what waits for a channel that pushes is told as not delivered."""
_TOLD = {
    "web": "已放进对话，对方打开网页时看到",
    "telegram": "已交给 Telegram 发送；没送到的列在 requests undelivered",
    "console": "已放进对话，对方下次说话时看到",
}
"""What became of the words to the company, by channel."""
_NUMBER = re.compile(r"(?:YQ)?[-－–—]?([0-9]{6})[-－–—]?([0-9]{1,4})")
_WHO = {"company": "企业", "team": "团队"}
_WHAT = {
    "filed": "登记",
    "state": "改状态",
    "staff_reply": "回复",
    "company_note": "补充",
    "contact_changed": "改联系方式",
    "consent_withdrawn": "撤回同意",
    "erased": "删除个人信息",
}


def state_name(state: cases.State) -> str:
    """A state in an office's words."""
    return texts("zh")(f"requests.state_{state}")


def state_of(text: str) -> cases.State:
    """A state by its code or its Chinese name; argparse's error otherwise."""
    for state in cases.State:
        if text in (state, state_name(state)):
            return state
    names = "、".join(f"{s}（{state_name(s)}）" for s in cases.State)
    raise argparse.ArgumentTypeError(f"没有“{text}”这个状态，可以写：{names}")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The service team's commands."""
    team = commands.add_parser("requests", help="处理请求：列出、查看、改状态、回复")
    team.add_argument("--store", type=place_of, metavar="PATH", help="数据库文件，或 postgresql:// 开头的地址；不写就用设置的")
    actions = team.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="列出还没办完的请求")
    listing.add_argument("--all", action="store_true", help="连已经办完的一起列出")
    listing.add_argument("--state", type=state_of, help="只列这个状态的")
    showing = actions.add_parser("show", help="看一个请求的全部内容")
    showing.add_argument("number", metavar="NUMBER")
    showing.add_argument("--reveal", action="store_true", help="显示完整的联系方式")
    setting = actions.add_parser("set", help="改状态，并通知企业")
    setting.add_argument("number", metavar="NUMBER")
    setting.add_argument("to", type=state_of, metavar="STATE", help="、".join(f"{s}（{state_name(s)}）" for s in cases.State))
    setting.add_argument("--note", default="", metavar="TEXT", help="给企业的说明")
    replying = actions.add_parser("reply", help="回复企业")
    replying.add_argument("number", metavar="NUMBER")
    replying.add_argument("text", metavar="TEXT")
    actions.add_parser("unanswered", help="看大家问了什么没有答上来")
    actions.add_parser("undelivered", help="看哪些消息没有送到，哪些没有处理成")
    actions.add_parser("ratings", help="看大家觉得有没有帮上忙")
    rights = commands.add_parser("personal", help="来信来电要求的：导出或删除一个人的数据")
    rights.add_argument("--store", type=place_of, metavar="PATH", help="数据库文件，或 postgresql:// 开头的地址；不写就用设置的")
    ways = rights.add_subparsers(dest="action", metavar="ACTION", required=True)
    for way, what in (("export", "写出存着的全部内容（JSON）"), ("erase", "删除全部内容，没办结的请求随之撤回")):
        one = ways.add_parser(way, help=what)
        one.add_argument("whose", metavar="WHOSE", help="这个人任何一个请求的编号，或“渠道:对话:人”的地址（私聊里写“渠道:对话”就行）")
    one.add_argument("--yes", action="store_true", help="真的删除；不写就只说会删掉什么")


async def run(turns: Turns, arguments: argparse.Namespace) -> int:
    """Carry out a command; the exit code."""
    match arguments.action:
        case "export" | "erase":
            return await _personal(turns, arguments)
        case None | "list":
            await _list(turns, getattr(arguments, "state", None), getattr(arguments, "all", False))
        case "unanswered":
            rows = await turns.store.unanswered()
            lines = [f"{r.count:>4} 次  {r.last.astimezone(LOCAL):%m-%d %H:%M}  {r.text}" for r in rows]
            print("\n".join(lines) or "没有答不上来的问题。")
        case "undelivered":
            print("\n".join([line async for line in _undelivered(turns)]) or "消息都送到了。")
        case "ratings":
            print("\n".join(_rated(await turns.store.ratings())) or "还没有人评价。")
        case action:
            case = await _one(turns, action, arguments)
            if case is None:
                print(f"没有编号为 {arguments.number} 的请求。用 python bot.py requests list --all 看全部编号。", file=sys.stderr)
                return 1
            print(dossier(case, arguments.reveal) if action == "show" else f"{case.number}：{state_name(case.state)}。{await _told_how(turns, case)}")
    return 0


async def _personal(turns: Turns, arguments: argparse.Namespace) -> int:
    """Give out, or erase, what is kept of a person; the exit code."""
    whose, address = arguments.whose.strip(), None
    if request := await turns.store.request(_number(whose)):
        address = request.address if request.address.chat else None
    elif whose.count(":") in (1, 2) and all(parts := whose.split(":")):
        address = Address(parts[0], parts[1], parts[-1])
    held = await turns.store.personal(address) if address else {}
    if address is None or not any(held.values()):
        print(f"没有找到“{whose}”的数据：检查编号或地址；已经删除的，编号还在，但不再属于任何人", file=sys.stderr)
        return 1
    if arguments.action == "export":
        print(json.dumps(held, ensure_ascii=False, indent=2))
        return 0
    numbers = [r["number"] for r in held["requests"]]
    if not arguments.yes:
        begun = [r["number"] for r in held["requests"] if r["state"] not in cases.CLOSED]
        print(
            f"会删除 {len(held['messages'])} 条消息、对话和联系方式，请求 {'、'.join(numbers) or '（没有）'} 只留编号、类型、状态和时间。"
            + (f"没办结的 {'、'.join(begun)} 随之撤回，不再办理。" if begun else "")
            + "现在什么也没有删；确认后加上 --yes 再来一次。"
        )
        return 1
    await turns.erase(address)
    print(f"已删除。留下的请求编号：{'、'.join(numbers) or '（没有）'}。备份里的要另外处理，见 docs/privacy.md。")
    return 0


async def _told_how(turns: Turns, case: cases.Case) -> str:
    """What became of the words to the company."""
    request = await turns.store.request(case.number)
    if request is None or not request.address.chat:
        return "没有通知谁：对话已经删除"
    return _TOLD.get(request.address.channel, "已放进对话")


async def _undelivered(turns: Turns) -> AsyncIterator[str]:
    """What was given up, what waits too long where we push, what could not be handled, and how much waits for pages to be opened."""
    for item in await turns.store.undelivered():
        yield _given_up(item)
    for item in await turns.store.waiting("telegram", datetime.now(UTC) - LATE):
        yield _given_up(item)
    for update in await turns.store.parked():
        yield _parked(update)
    figures = await turns.store.figures()
    if count := figures.waiting.get("web", 0):
        yield f"网页上有 {count} 条等对方打开网页，最早的是 {figures.oldest['web'].astimezone(LOCAL):%m-%d %H:%M} 的（这是正常的）"


def _number(text: str) -> str:
    """A request's number as it is stored, however it was typed."""
    plain = re.sub(r"\s", "", text).upper()
    return f"YQ-{found[1]}-{found[2]:0>4}" if (found := _NUMBER.fullmatch(plain)) else plain


def _given_up(item: OutboxItem) -> str:
    """A line for a message that did not arrive: where it went, what became of it, and why."""
    what = {"failed": "没送到", "uncertain": "不知道送到没有", "parked": "程序发不出", "waiting": "还在等着送"}[item.state]
    to = f"{item.address.channel} {item.address.chat}{f'  {item.request}' if item.request else ''}"
    return f"{item.at.astimezone(LOCAL):%m-%d %H:%M}  {to}  {what}（{item.error or '还没试过'}）：{shortened(item.body['text'])}"


def _parked(update: Parked) -> str:
    """A line for something that came in and could not be handled."""
    return f"{update.at.astimezone(LOCAL):%m-%d %H:%M}  {update.address.channel} 收到的 {update.update_id}  没处理成（{update.error}）"


def shortened(text: str) -> str:
    """The beginning of a text, on one line, with what could reach a person masked."""
    line = masked(" ".join(text.split()))
    return line if len(line) <= 40 else f"{line[:39]}…"


def _rated(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line a dialog: how many found it helpful, so-so, not helpful."""
    say, counted = texts("zh"), Counter[tuple[str, str]]()
    for row in rows:
        counted[row["about"], row["value"]] += 1
    abouts = sorted({about for about, _ in counted})
    values = ("good", "fair", "poor")
    return [f"{say(f'dialog.{about}')}：" + "，".join(f"{say(f'rating.{v}')} {counted[about, v]}" for v in values) for about in abouts]


async def _list(turns: Turns, state: cases.State | None, everything: bool) -> None:
    states = [] if everything else [state] if state else [s for s in cases.State if s not in cases.CLOSED]
    found = await turns.list_cases(states, LISTED + 1)
    others = not found and bool(states) and bool(await turns.list_cases([], 1))
    print(
        "\n".join(map(_line, found[:LISTED]))
        or ("没有待办的；--all 看全部。" if others and not state else "没有这样的请求；--all 看全部。" if others else "没有请求。")
    )
    if len(found) > LISTED:
        print(f"……只列了最新的 {LISTED} 个；用 list --state 分状态看")


async def _one(turns: Turns, action: str, arguments: argparse.Namespace) -> cases.Case | None:
    number, now = _number(arguments.number), datetime.now(LOCAL)
    match action:
        case "set":
            return await turns.advance(number, cases.Event("state", now, "team", arguments.note, arguments.to))
        case "reply":
            if not arguments.text.strip():
                raise cases.CaseError("回复是空的，没有发出去：把要说的话写在编号后面，用引号括起来")
            return await turns.advance(number, cases.Event("staff_reply", now, "team", arguments.text))
        case _:
            return await turns.case(number)


def _line(case: cases.Case) -> str:
    about = case.dossier
    return f"{case.number}  {state_name(case.state)}  {case.created.astimezone(LOCAL):%m-%d %H:%M}  {masked(about['company'])}：{masked(about['matter'])}"


def dossier(case: cases.Case, reveal: bool) -> str:
    """A request in full, as a person reads it; contact data masked unless `reveal`."""
    about: Mapping[str, Any] = case.dossier
    ended = _ended(case) if about["consent"] else None
    contact = {k: v if reveal else mask(v) for k, v in about["contact"].items()}
    shown: Callable[[str], str] = str if reveal else masked
    lines = [
        f"{case.number}  {state_name(case.state)}{_answering(case)}",
        f"事项：{shown(about['matter'])}",
        f"公司：{shown(about['company'])}",
        f"联系人：{'  '.join(contact.values())}" + ("" if reveal else "  （加 --reveal 显示全部）") if contact else f"联系人：{_unreachable(case)}",
        f"同意联系：{_consent(about)}" + (f"，已于 {ended.at.astimezone(LOCAL):%Y-%m-%d %H:%M} {_WHAT[ended.kind]}" if ended else ""),
        f"知识库版本：{about['knowledge']}",
        "经过：",
        *(f"  {shown(_event(e))}" for e in case.events),
    ]
    if about["heard"]:
        lines += ["企业问过：", *(f"  · {words}" for words in about["heard"])]
    if report := about.get("report"):
        return "\n".join([*lines, *_report(report)])
    if about.get("answers"):
        lines += ["企业的回答：", *(f"  · {key}：{token}" for key, token in about["answers"].items())]
    lines += [f"依据：《{c['title']}》{c['number'] or ''} {c['section']}" for c in about.get("citations", ())]
    if about.get("outcome"):
        lines += ["当时的结果：", *(f"  · {row}" for row in _outcome(about["outcome"]))]
    return "\n".join(lines)


def _answering(case: cases.Case) -> str:
    if case.state in cases.CLOSED:
        return ""
    return f"  （{'团队' if case.answering == 'team' else '机器人'}在答复）"


def _ended(case: cases.Case) -> cases.Event | None:
    """What ended the consent."""
    return next((e for e in case.events if e.kind in ("consent_withdrawn", "erased")), None)


def _unreachable(case: cases.Case) -> str:
    if (ended := _ended(case)) is None:
        return "没有留，只在聊天里回复"
    return "按本人要求删掉了" + ("" if ended.kind == "erased" else "，只在聊天里回复")


def _consent(about: Mapping[str, Any]) -> str:
    """When the person agreed to be reached, and to which notice; requests of the first release name none."""
    if not about["consent"]:
        return "没有"
    noticed = about.get("notice")
    seen = f"（说明 {noticed['version']} 版，{noticed['language']}，{noticed['channel']}）" if noticed else ""
    return f"{datetime.fromisoformat(about['consent']):%Y-%m-%d %H:%M}{seen}"


def _report(report: Mapping[str, Any]) -> list[str]:
    """What the company read in its report: its answers, the answer first, and the rows that matter to a person."""
    answers = [f"  · {a['label']}：{a['answer']}" for a in report["answers"]]
    rows = [(g["title"], r) for g in report["groups"] if not g["folded"] for r in g["rows"]]
    told = [line for title, r in rows for line in _told(title, r)]
    return ["企业的回答：", *answers, f"{report['title']}（{report['day']}）：", *(f"  {line}" for line in report["lead"]), *told]


def _told(title: str, row: Mapping[str, Any]) -> list[str]:
    """A row of a report: what it is about, what it gives, what is open or fails, where it stands."""
    known = f"：{row['traits']}" if row.get("traits") else ""
    product = f"（产品{row['product']}{known}）" if row["product"] else ""
    open_ones = [f"{c['word']}：{c['text']}" for c in row["criteria"] if c["verdict"] != "met"]
    places = "；".join(dict.fromkeys(f"{c['document']} {c['section']}" for c in row["citations"]))
    return [
        f"  · {title}：{row['name']}{product}，{row['amount']}；{row['holds']}",
        *(f"      {line}" for line in open_ones),
        f"      出处：{places}",
    ]


def _event(event: cases.Event) -> str:
    to = f" → {state_name(event.to)}" if event.to else ""
    return f"{event.at.astimezone(LOCAL):%Y-%m-%d %H:%M}  {_WHO[event.by]}{_WHAT[event.kind]}{to}  {event.text}".rstrip()


def _outcome(outcome: Mapping[str, Any]) -> list[str]:
    """The lines of a result that matter to a person: verdicts other than “not met”, parks, routes."""
    say = texts("zh")
    judged = [(r, say(f"status.{r['status']}")) for r in outcome.get("supports", ()) if r["status"] != "not_met"]
    rows = [f"{r['id']}（{r['document']} {r['section']}）：{verdict}" for r, verdict in judged]
    rows += [p["name"] for p in outcome.get("parks", ())]
    rows += [f"{c['name']}：{'、'.join(u['name'] for u in c['units']) or '文件没有写责任单位'}" for c in outcome.get("channels", ())]
    return rows or [json.dumps(outcome, ensure_ascii=False)]
