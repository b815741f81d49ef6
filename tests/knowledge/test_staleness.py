"""What needs a person: expiry, checks and contacts, each from its day on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from knowledge.shapes import Application, Checked
from knowledge.snapshot import Knowledge
from knowledge.staleness import stale
from knowledge.supports import Support

DAY = date(2026, 11, 24)


def reasons(knowledge: Knowledge, today: date, key: str = "snd-device-iii", **more: Any) -> dict[str, date | None]:
    """The reasons of one support that is changed like this."""
    changed: Support = knowledge.supports[key].model_copy(update=more)
    one = replace(knowledge, supports={key: changed})
    return {s.reason: s.since for s in stale(one, today) if s.record.id == key}


def test_expired_unchecked_and_without_contact(knowledge: Knowledge) -> None:
    assert reasons(knowledge, DAY) == {"over": date(2023, 1, 1), "never_checked": None, "no_contact": None}


@pytest.mark.parametrize(("today", "soon"), [("2022-10-31", False), ("2022-11-01", True), ("2022-12-31", True), ("2023-01-01", False)])
def test_what_ends_within_sixty_days(knowledge: Knowledge, today: str, soon: bool) -> None:
    assert ("ends_soon" in reasons(knowledge, date.fromisoformat(today))) is soon


def test_a_check_counts_for_half_a_year(knowledge: Knowledge) -> None:
    checked = Checked(on=DAY - timedelta(days=180), by="管理员")
    assert "never_checked" not in reasons(knowledge, DAY, checked=checked)
    assert "checked_long_ago" not in reasons(knowledge, DAY, checked=checked)
    assert reasons(knowledge, DAY + timedelta(days=1), checked=checked)["checked_long_ago"] == checked.on


def test_a_contact_that_is_filled_in_is_no_longer_missing(knowledge: Knowledge) -> None:
    contact = knowledge.supports["snd-device-iii"].contact.model_copy(update={"phone": "1", "checked": Checked(on=DAY, by="管理员")})
    assert "no_contact" not in reasons(knowledge, DAY, contact=contact)
    assert "checked_long_ago" in reasons(
        knowledge, DAY + timedelta(days=181), contact=contact, checked=Checked(on=DAY + timedelta(days=181), by="某")
    )


def test_an_application_notice_ages_and_its_last_day_counts(knowledge: Knowledge) -> None:
    notice = Application.model_validate({"state": "open_until", "until": "2026-12-31", "checked": {"on": "2026-11-01", "by": "管理员"}})
    found = reasons(knowledge, DAY, application=notice)
    assert found["ends_soon"] == date(2026, 12, 31)
    assert "over" not in found
    assert reasons(knowledge, date(2027, 6, 1), application=notice)["notice_old"] == date(2026, 11, 1)
    assert reasons(knowledge, date(2027, 6, 1), application=notice)["over"] == date(2027, 1, 1)


def test_what_a_successor_replaced_needs_nobody(knowledge: Knowledge) -> None:
    assert reasons(knowledge, DAY, superseded_by="snd-device-ii") == {}


def test_the_shipped_base_today(knowledge: Knowledge) -> None:
    counted = Counter(s.reason for s in stale(knowledge, DAY))
    assert counted["no_contact"] == sum(len(t) for t in (knowledge.supports, knowledge.channels, knowledge.services, knowledge.parks))
    assert counted["undated"] == sum(r.region == "kunshan" for r in knowledge.answerable() if hasattr(r, "source"))
    assert counted["ends_soon"] == 0
