"""What would change a result: the smallest set of answers, what it takes, and the day that has to come."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import assessments, precheck
from knowledge.assessments import Status
from knowledge.changes import Change, change
from knowledge.records import Document
from knowledge.rules import COMPANY
from knowledge.snapshot import Knowledge
from knowledge.supports import Support
from tests.knowledge.test_rules import DAY, PAPER, TYPES, criterion, days, support


def found(row: Support, facts: Mapping[str, str], document: Document = PAPER, today: date = DAY, subject: str = COMPANY) -> Change | None:
    return change(assessments.assess_one(row, subject, facts, document, TYPES, today), facts, {"paper": document}, TYPES, today)


def test_one_answer_that_fails_is_the_one_to_change() -> None:
    row = support(criterion("a", any_of=("yes",)), criterion("b", any_of=("yes",), change="fixed"))
    change_of_a = found(row, {"a": "no", "b": "yes"})
    assert change_of_a
    assert (dict(change_of_a.answers), change_of_a.effort, change_of_a.then) == ({"a": "yes"}, "fixable", Status.MET)
    both = found(row, {"a": "no", "b": "no"})
    assert both
    assert (dict(both.answers), both.effort) == ({"a": "yes", "b": "yes"}, "fixed"), "the hardest of the two decides"
    still_open = found(row, {"a": "no"})
    assert still_open
    assert (dict(still_open.answers), still_open.then) == ({"a": "yes"}, Status.UNKNOWN)


def test_what_is_met_or_open_needs_no_change() -> None:
    row = support(criterion("a", any_of=("yes",)))
    assert found(row, {"a": "yes"}) is None
    assert found(row, {}) is None
    assert found(row, {"a": "unknown"}) is None


@pytest.mark.parametrize(
    ("test", "given_token", "needed"),
    [
        ({"at_least": "1亿元"}, "99999999 CNY", "100000000 CNY"),
        ({"above": "3000万美元"}, "30000000 USD", "30000001 USD"),
        ({"at_most": "1亿元"}, "100000001 CNY", "100000000 CNY"),
        ({"below": "1亿元"}, "100000000 CNY", "99999999 CNY"),
    ],
)
def test_a_bound_names_the_nearest_sum_that_meets_it(test: dict[str, str], given_token: str, needed: str) -> None:
    row = support(criterion("cash", **test))
    lifted = found(row, {"cash": given_token})
    assert lifted
    assert dict(lifted.answers) == {"cash": needed}


def test_choices_are_added_to_those_that_were_made() -> None:
    row = support(criterion("events", "one", any_of=("award",)), criterion("events", "two", any_of=("certificate",)))
    lifted = found(row, {"events": "trial"})
    assert lifted
    assert dict(lifted.answers) == {"events": "trial,award,certificate"}, "two conditions on one answer are one change"


def test_what_cannot_exist_needs_the_fact_behind_it() -> None:
    row = support(criterion("product.class", any_of=("III",), change="fixed"), per="product")
    lifted = found(row, {"product.type": "drug"})
    assert lifted
    assert dict(lifted.answers) == {"product.type": "device"}
    assert lifted.then is Status.UNKNOWN
    none = found(row, {"products": "none"})
    assert none
    assert (dict(none.answers), none.effort) == ({"products": "1"}, "time"), "who has no product yet may have one"


def test_conditions_that_exclude_each_other_are_never_met() -> None:
    row = support(criterion("product.class", "one", any_of=("III",)), criterion("product.class", "two", any_of=("II",)))
    assert found(row, {"product.class": "III"}) is None


def test_what_has_not_begun_waits_for_its_day() -> None:
    row = support(criterion("a", any_of=("yes",)), window=days("2023-01-01", "2023-12-31"))
    waits = found(row, {"a": "yes"})
    assert waits
    assert (dict(waits.answers), waits.effort, waits.on) == ({}, "time", date(2023, 1, 1))
    fails_too = found(row, {"a": "no"})
    assert fails_too
    assert (dict(fails_too.answers), fails_too.on, fails_too.then) == ({"a": "yes"}, date(2023, 1, 1), Status.NOT_YET)
    plan = PAPER.model_copy(update={"plan": days("2024-01-01", None)})
    later = found(support(criterion("a", any_of=("yes",))), {"a": "yes"}, plan)
    assert later
    assert later.on == date(2024, 1, 1)


def test_a_change_does_not_open_a_window_that_is_over() -> None:
    row = support(criterion("a", any_of=("yes",)), window=days(None, "2021-12-31"))
    lifted = found(row, {"a": "no"})
    assert lifted
    assert lifted.then is Status.WINDOW_OVER


# --- compared with every set of answers

DOMAIN: dict[str, list[str]] = {
    "a": ["yes", "no"],
    "b": ["yes", "no"],
    "events": [",".join(c) or "none" for n in range(4) for c in itertools.combinations(("certificate", "trial", "award"), n)],
    "count": ["0", "1", "2", "3", "4"],
    "product.type": ["device", "drug"],
    "product.class": ["III", "II"],
    "product.phase": ["I", "II"],
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Support, dict[str, str]]:
    tests = []
    for n in range(draw(st.integers(1, 4))):
        key = draw(st.sampled_from(list(DOMAIN)))
        if key == "count":
            bound = draw(st.sampled_from(["at_least", "above", "at_most", "below"]))
            tests.append(criterion(key, f"c{n}", **{bound: draw(st.integers(1, 3))}))
        else:
            tokens = sorted({t for token in DOMAIN[key] for t in token.split(",")} - {"none"})
            tests.append(criterion(key, f"c{n}", any_of=tuple(draw(st.lists(st.sampled_from(tokens), min_size=1, max_size=2, unique=True)))))
    facts = {key: draw(st.sampled_from([*tokens, "unknown"])) for key, tokens in DOMAIN.items() if draw(st.booleans())}
    return support(*tests), facts


def others(key: str, given_token: str) -> list[str]:
    """What an answer may be changed to: what has happened is not undone, more may happen."""
    happened = {t for t in given_token.split(",") if t in ("certificate", "trial", "award")}
    return [t for t in DOMAIN[key] if key != "events" or happened <= set(t.split(","))]


@settings(max_examples=300)
@given(cases())
def test_no_smaller_set_of_answers_lifts_it(case: tuple[Support, dict[str, str]]) -> None:
    row, facts = case
    assessed = assessments.assess_one(row, COMPANY, facts, PAPER, TYPES, DAY)
    lifted = change(assessed, facts, {"paper": PAPER}, TYPES, DAY)
    if assessed.status is not Status.NOT_MET:
        assert lifted is None
        return
    if lifted is None:
        assert not any(stands(row, facts, other) is Status.MET for other in changed(facts, len(DOMAIN), row)), "no answers meet all its conditions"
        return
    assert stands(row, facts, lifted.answers) is lifted.then is not Status.NOT_MET
    assert all(stands(row, facts, other) is Status.NOT_MET for other in changed(facts, len(lifted.answers) - 1, row))


def stands(row: Support, facts: Mapping[str, str], other: Mapping[str, str]) -> Status:
    return assessments.assess_one(row, COMPANY, {**facts, **other}, PAPER, TYPES, DAY).status


def changed(facts: Mapping[str, str], most: int, row: Support) -> Iterator[dict[str, str]]:
    """Every set of at most so many changed answers that the support may look at."""
    keys = [k for k in DOMAIN if k in {c.fact for c in row.criteria} | {"events", "product.type"}]
    for size in range(1, min(most, len(keys)) + 1):
        for some in itertools.combinations(keys, size):
            for tokens in itertools.product(*(others(k, facts.get(k, "")) for k in some)):
                yield dict(zip(some, tokens, strict=True))


# --- the shipped papers


def test_the_papers_conditions_can_be_lifted(knowledge: Knowledge) -> None:
    facts = {
        "events": "joint_rd",
        "independent_entity": "no",
        "plans": "industrial_project",
        "project.kind": "device",
        "project.investment": "99999999 CNY",
    }
    report = precheck.precheck(knowledge, "snd", facts, date(2021, 6, 1))
    by_id = {r.support.id: precheck.change(knowledge, report, r) for r in report.rows}
    device, joint, drug = by_id["snd-device-project"], by_id["sz-joint-rd"], by_id["snd-bio-project"]
    assert device
    assert joint
    assert drug
    assert (dict(device.answers), device.effort, device.then) == ({"project.investment": "100000000 CNY"}, "fixable", Status.MET)
    assert dict(joint.answers) == {"events": "joint_rd,joint_rd_recognised", "independent_entity": "yes"}
    assert drug.effort == "fixed"
    assert set(drug.answers) == {"project.kind", "project.investment"}
