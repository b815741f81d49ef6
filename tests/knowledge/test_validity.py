"""How a record stands on a day: to the day, in a fixed order of what counts first."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from knowledge.assessments import Status, assess_one
from knowledge.records import Clause, Document
from knowledge.shapes import Application
from knowledge.snapshot import Knowledge
from knowledge.validity import Time, begins, document_time, ends, notice_on, printed_window, time_on

SOURCE = {"document": "paper", "section": "三"}
PERIOD = {"since": "2021-01-01", "until": "2023-12-31", "printed": "2021—2023"}
CHECKED = {"on": "2024-03-01", "by": "管理员"}


def paper(plan: dict[str, str] | None = None, **more: Any) -> Document:
    return Document.model_validate({"id": "paper", "title": "计划", "short": "计划", "region": "snd", "plan": plan, **more})


def record(**more: Any) -> Clause:
    return Clause.model_validate({"id": "x", "name": "条", "region": "snd", "source": SOURCE, "text": "一句。", **more})


def notice(state: str, **more: str) -> dict[str, Any]:
    return {"application": {"state": state, "checked": CHECKED, **more}}


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("first", "last", "today", "of_window", "of_plan"),
    [
        ("2021-01-01", "2023-12-31", "2020-12-31", Time.NOT_YET, Time.NOT_YET),
        ("2021-01-01", "2023-12-31", "2021-01-01", Time.OPEN_UNTIL, Time.IN_FORCE),
        ("2021-01-01", "2023-12-31", "2022-06-01", Time.OPEN_UNTIL, Time.IN_FORCE),
        ("2021-01-01", "2023-12-31", "2023-12-31", Time.OPEN_UNTIL, Time.IN_FORCE),
        ("2021-01-01", "2023-12-31", "2024-01-01", Time.WINDOW_OVER, Time.PLAN_OVER),
        (None, "2023-12-31", "1999-01-01", Time.OPEN_UNTIL, Time.IN_FORCE),
        (None, "2023-12-31", "2023-12-31", Time.OPEN_UNTIL, Time.IN_FORCE),
        (None, "2023-12-31", "2024-01-01", Time.WINDOW_OVER, Time.PLAN_OVER),
        ("2021-01-01", None, "2020-12-31", Time.NOT_YET, Time.NOT_YET),
        ("2021-01-01", None, "2021-01-01", Time.IN_FORCE, Time.IN_FORCE),
        ("2021-01-01", None, "2999-01-01", Time.IN_FORCE, Time.IN_FORCE),
        (None, None, "2022-06-01", Time.UNDATED, Time.UNDATED),
    ],
)
def test_first_and_last_day_and_the_days_beside(first: str | None, last: str | None, today: str, of_window: Time, of_plan: Time) -> None:
    window = {"since": first, "until": last, "printed": "时限"}
    printed = {k: v for k, v in window.items() if v}
    assert time_on(record(window=printed), paper(), day(today)) is of_window
    assert time_on(record(), paper(printed), day(today)) is of_plan
    assert document_time(paper(printed), day(today)) is of_plan


@pytest.mark.parametrize(
    ("more", "today", "expected"),
    [
        # the notice speaks from the day of the check on; before it, the printed dates do
        (notice("all_year"), "2024-02-29", Time.PLAN_OVER),
        (notice("all_year"), "2024-03-01", Time.IN_FORCE),
        (notice("closed"), "2023-06-01", Time.IN_FORCE),
        (notice("closed"), "2024-03-01", Time.WINDOW_OVER),
        (notice("suspended"), "2024-03-01", Time.WINDOW_OVER),
        (notice("budget_used_up"), "2024-03-01", Time.WINDOW_OVER),
        # nothing announced: the printed dates stay
        (notice("not_announced"), "2024-03-01", Time.PLAN_OVER),
        (notice("not_announced"), "2022-03-01", Time.IN_FORCE),
        # a round with days
        (notice("opens_on", opens="2024-05-01"), "2024-02-29", Time.PLAN_OVER),
        (notice("opens_on", opens="2024-05-01"), "2024-03-01", Time.NOT_YET),
        (notice("opens_on", opens="2024-05-01"), "2024-04-30", Time.NOT_YET),
        (notice("opens_on", opens="2024-05-01"), "2024-05-01", Time.IN_FORCE),
        (notice("opens_on", opens="2024-05-01", until="2024-06-30"), "2024-05-01", Time.OPEN_UNTIL),
        (notice("opens_on", opens="2024-05-01", until="2024-06-30"), "2024-07-01", Time.WINDOW_OVER),
        (notice("open_until", until="2024-06-30"), "2024-06-30", Time.OPEN_UNTIL),
        (notice("open_until", until="2024-06-30"), "2024-07-01", Time.WINDOW_OVER),
        # a round that opened before the check counts from its opening
        (notice("open_until", opens="2024-02-01", until="2024-06-30"), "2024-01-31", Time.PLAN_OVER),
        (notice("open_until", opens="2024-02-01", until="2024-06-30"), "2024-02-01", Time.OPEN_UNTIL),
        # a successor counts before everything, from its day on
        ({"superseded_by": "y"}, "2022-06-01", Time.SUPERSEDED),
        ({"superseded_by": "y", "superseded_on": "2022-07-01"}, "2022-06-30", Time.IN_FORCE),
        ({"superseded_by": "y", "superseded_on": "2022-07-01"}, "2022-07-01", Time.SUPERSEDED),
        ({"superseded_by": "y", **notice("all_year")}, "2024-03-01", Time.SUPERSEDED),
        # the record's own window counts before the plan, and the notice before both
        ({"window": {"since": "2025-01-01", "until": "2025-12-31", "printed": "2025"}}, "2025-06-01", Time.OPEN_UNTIL),
        ({"window": {"since": "2025-01-01", "until": "2025-12-31", "printed": "2025"}}, "2022-06-01", Time.NOT_YET),
        ({"window": {"since": "2025-01-01", "until": "2025-12-31", "printed": "2025"}, **notice("closed")}, "2025-06-01", Time.WINDOW_OVER),
        ({"window": {"printed": "不定期"}}, "2022-06-01", Time.IN_FORCE),
    ],
)
def test_what_counts_first(more: dict[str, Any], today: str, expected: Time) -> None:
    assert time_on(record(**more), paper(PERIOD), day(today)) is expected


def test_a_superseded_paper_takes_its_records_with_it() -> None:
    old = paper(PERIOD, superseded_by="newer", superseded_on="2022-07-01")
    assert [document_time(old, day(d)) for d in ("2022-06-30", "2022-07-01")] == [Time.IN_FORCE, Time.SUPERSEDED]
    assert time_on(record(**notice("all_year")), old, day("2024-06-01")) is Time.SUPERSEDED


def test_a_notice_is_silent_before_it_was_checked() -> None:
    row = record(**notice("all_year"))
    assert notice_on(row, day("2024-02-29")) is None
    assert notice_on(row, day("2024-03-01")) is row.application


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"state": "opens_on", "checked": CHECKED}, "opens"),
        ({"state": "open_until", "checked": CHECKED}, "until"),
        ({"state": "closed", "until": "2024-01-01", "checked": CHECKED}, "不写 opens 和 until"),
        ({"state": "open_until", "opens": "2024-05-01", "until": "2024-04-01", "checked": CHECKED}, "早于"),
        ({"state": "all_year"}, "checked"),
    ],
)
def test_a_notice_says_all_that_it_needs_and_no_more(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        Application.model_validate(wrong)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("support_id", "today", "time"),
    [
        ("sz-procurement-win", "2020-12-31", Time.NOT_YET),
        ("sz-procurement-win", "2023-12-31", Time.OPEN_UNTIL),
        ("sz-procurement-win", "2024-01-01", Time.WINDOW_OVER),
        ("sz-device-rd-iii", "2023-12-31", Time.IN_FORCE),
        ("sz-device-rd-iii", "2024-01-01", Time.PLAN_OVER),
        ("snd-device-iii", "2019-12-31", Time.NOT_YET),
        ("snd-device-iii", "2020-01-01", Time.IN_FORCE),
        ("snd-device-iii", "2022-12-31", Time.IN_FORCE),
        ("snd-device-iii", "2023-01-01", Time.PLAN_OVER),
        ("tc-title-subsidy", "2025-12-31", Time.IN_FORCE),
        ("tc-title-subsidy", "2026-01-01", Time.PLAN_OVER),
        ("xz-sup-talent-card", "2025-12-31", Time.IN_FORCE),
        ("xz-sup-talent-card", "2026-01-01", Time.PLAN_OVER),
    ],
)
def test_days_of_the_papers(knowledge: Knowledge, support_id: str, today: str, time: Time) -> None:
    row = knowledge.supports[support_id]
    assert time_on(row, knowledge.document_of(row), day(today)) is time


def test_a_paper_without_a_date_is_undated_on_every_day(knowledge: Knowledge, today: date) -> None:
    for row in knowledge.supports.values():
        if row.region == "kunshan":
            assert time_on(row, knowledge.document_of(row), today) is Time.UNDATED


def test_a_notice_decides_the_status_of_a_pre_check(knowledge: Knowledge) -> None:
    row = knowledge.supports["snd-device-iii"]
    facts = {"events": "new_device_certificate", "product.class": "III"}

    def status(state: str, today: str, **more: str) -> Status:
        changed = row.model_copy(update={"application": Application.model_validate({"state": state, "checked": CHECKED, **more})})
        return assess_one(changed, "company", facts, knowledge.document_of(row), knowledge.facts, day(today)).status

    assert status("all_year", "2024-02-29") is Status.WINDOW_OVER
    assert status("all_year", "2024-03-01") is Status.MET
    assert status("suspended", "2024-03-01") is Status.WINDOW_OVER
    assert status("opens_on", "2024-03-01", opens="2024-05-01") is Status.NOT_YET
    assert status("opens_on", "2024-05-01", opens="2024-05-01") is Status.MET


UNTIL = {"until": "2022-06-30", "printed": "到2022年6月"}
NO_DAY = {"printed": "另行通知"}


@pytest.mark.parametrize(
    ("window", "plan", "expected"),
    [
        (UNTIL, PERIOD, "到2022年6月"),
        (NO_DAY, PERIOD, "2021—2023"),
        (None, PERIOD, "2021—2023"),
        (UNTIL, None, "到2022年6月"),
        (NO_DAY, NO_DAY, None),
    ],
)
def test_the_days_of_a_record_are_its_own_or_else_those_of_its_paper(window: Any, plan: Any, expected: str | None) -> None:
    found = printed_window(record(window=window), paper(plan))
    assert (found.printed if found else None) == expected


def test_where_no_window_is_printed_a_record_begins_on_the_day_of_its_paper() -> None:
    assert begins(record(), paper(effective="2021-04-17"), day("2021-01-01")) == day("2021-04-17")
    assert begins(record(), paper(PERIOD, effective="2021-04-17"), day("2021-02-01")) == day("2021-04-17")
    assert begins(record(window=PERIOD), paper(effective="2021-04-17"), day("2020-06-01")) == day("2021-01-01")
    assert ends(record(window=UNTIL), paper(PERIOD), day("2022-01-01")) == day("2022-06-30")
