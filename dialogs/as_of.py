"""Judging as of another day: 按2022年看, 用去年的标准算, as of 2022."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from dialogs import asking, frames, mentioned, moves, proceeding
from dialogs.talk import Talk
from knowledge.dates import read_dates

_NOW = r"今天|现在|目前|眼下|今日|today|now"
_WHEN = re.compile(
    r"(?:按照?|以|用|照|依|假如是|假设是|如果是|要是|放在|回到)(?P<zh>[^,，。;；]{2,16}?)的?(?:标准|政策|规定|文件|时候|时点|口径)?(?:来|再|去)?(?:看+|算+|预审|查|判断|评估)(?![不得])"
    r"|\bas (?:of|at) (?P<en>[a-z0-9 ,-]{3,20})|\bby the rules of (?P<rules>[a-z0-9 ,-]{3,20})"
)

_DAY = re.compile(r"((?:19|20)\d\d)\s?[年./-]\s?(\d{1,2})\s?[月./-]\s?(\d{1,2})\s?[日号]?")


def asked(talk: Talk) -> bool:
    """Take the message as a wish to judge as of another day, if it is one."""
    match = _WHEN.search(talk.text)
    words = next((w for w in match.groups() if w), "") if match else ""
    today = talk.now.date()
    if not words:
        return False
    if re.fullmatch(_NOW, words.strip()):
        day: date | None = today
    else:
        if _is_no_day(words):
            talk.speak(talk.say("report.as_of_no_day", day=words.strip("的 ")))
            asking.ask(talk)
            return True
        dates = [f for f in read_dates(words, today) if f.kind == "date"]
        if len(dates) != 1 or dates[0].text.strip("的 ") != words.strip("的 ") or any(f.kind == "money" for f in talk.found):
            return False  # a date within other words, or a sum that was reckoned in some year, is no day to judge by
        day = last_of(str(dates[0].value), today)
    judge(talk, day or today)
    return True


def _is_no_day(words: str) -> bool:
    """Whether words name a day that no calendar has (2022年2月30日)."""
    if (named := _DAY.fullmatch(words.strip("的 "))) is None:
        return False
    try:
        date(*map(int, named.groups()))
    except ValueError:
        return True
    return False


def last_of(when: str, today: date) -> date | None:
    """The day meant by `2022`, `2022-06` or `2022-06-01`: the last one of the year or month, today where it is this one."""
    parts = [int(p) for p in when.split("-")]
    if len(parts) == 3:
        return date(*parts)
    if (today.year, today.month)[: len(parts)] == tuple(parts):
        return today
    year, month = (parts[0] + 1, 1) if len(parts) == 1 or parts[1] == 12 else (parts[0], parts[1] + 1)
    return date(year, month, 1) - timedelta(days=1)


def judge(talk: Talk, day: date) -> None:
    """Judge the pre-check that is open or was made last as of a day; begin one where there is none."""
    today = talk.now.date()
    said = talk.say("report.as_of_today") if day == today else talk.say("report.as_of_set", day=day.isoformat())
    frame = next((f for f in reversed(talk.state.frames) if f.dialog == "subsidy_precheck"), None)
    if frame is None:
        talk.speak(said)
        moves.start(talk, "subsidy_precheck", {**mentioned.facts_in(talk.found, talk.knowledge, talk.text), "as_of": day.isoformat()})
        return
    talk.state = replace(frames.lift(talk.state, frame.run), misses=0)
    talk.speak(said)
    talk.state = frames.answer(talk.state, talk.stage, {"as_of": day.isoformat()})
    proceeding.proceed(talk)
