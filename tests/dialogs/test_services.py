"""Every service that the papers name answers by its name: what it is, how far, its source, and what can be done next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dialogs.answers import Voice
from knowledge.records import QuestionAnswer, Record, Service
from knowledge.snapshot import Knowledge
from knowledge.strict_yaml import read
from tests.conftest import CI
from tests.dialogs.talking import Talking

LIST = Path(__file__).parents[3] / "shared" / "services.yaml"


def listed() -> list[dict[str, Any]]:
    """The services as they were listed from the papers, independently of the records."""
    if not LIST.is_file():
        return []
    rows = read(LIST.name, LIST.read_bytes()).value
    assert isinstance(rows, list)
    return [row for row in rows if isinstance(row, dict)]


ROWS = listed()


def test_the_list_is_there() -> None:
    if not ROWS and not CI:
        pytest.skip(f"{LIST} is not there")
    assert len(ROWS) == 192


def test_every_service_of_the_list_is_a_record_and_no_other(knowledge: Knowledge) -> None:
    if ROWS:
        assert {r["id"]: (r["region"], r["document"]) for r in ROWS} == {s.id: (s.region, s.source.document) for s in knowledge.services.values()}
        assert Counter(r["kind"] for r in ROWS) == Counter(s.serve for s in knowledge.services.values())


@pytest.mark.parametrize("row", ROWS, ids=[str(r["id"]) for r in ROWS])
def test_a_service_answers_by_its_name(knowledge: Knowledge, row: dict[str, Any]) -> None:
    service = knowledge.services[row["id"]]
    talk = Talking(knowledge).say(f"{knowledge.regions[service.region].name}的{row['name']}")
    told = knowledge.record(talk.state.subject)
    assert told is not None, talk.text
    assert is_about(told, service), f"asked for {service.id}, told {told.id}: {talk.text}"
    sources = {(s.document, s.section) for r in talk.replies for s in r.citations}
    assert (service.source.document, service.source.section) in sources
    assert talk.options, "a next step"
    if told is service:
        assert service.next.rstrip("。") in talk.text
        assert all(u.name in talk.text for u in (service.responsible.units if service.responsible else ()))
        assert ("争取" in talk.text) or service.state != "applied_for"


@pytest.mark.parametrize("row", ROWS, ids=[str(r["id"]) for r in ROWS])
def test_a_service_answers_by_its_bare_name_or_asks_for_the_place(knowledge: Knowledge, row: dict[str, Any]) -> None:
    service = knowledge.services[row["id"]]
    talk = Talking(knowledge).say(service.name)
    if any(o.payload.startswith("!place:") for o in talk.options):  # 揭榜挂帅 and the like are called so in several places
        assert knowledge.regions[service.region].name in [o.label for o in talk.options]
    else:
        told = knowledge.record(talk.state.subject)
        assert told is not None, talk.text
        assert is_about(told, service) or Voice.name(told) == service.name, f"asked for {service.id}, told {told.id}"


def is_about(told: Record | QuestionAnswer, service: Service) -> bool:
    """The service itself, or the record of the same thing that it leads to (the support behind a loan pool)."""
    return told is service or told.id in service.about or (isinstance(told, QuestionAnswer) and service.id in told.about)


@pytest.mark.parametrize("kind", ["answer", "status", "directory", "request", "self_check", "precheck", "park", "chart"])
def test_each_kind_of_service_has_its_next_step(knowledge: Knowledge, kind: str) -> None:
    for service in (s for s in knowledge.services.values() if s.serve == kind):
        payloads = [o.payload for o in Talking(knowledge).send(f"!show:{service.id}").options]
        if kind == "precheck":
            assert "!start:subsidy_precheck" in payloads, service.id
        elif kind == "park":
            assert "!start:park_selection" in payloads, service.id
        else:
            assert f"!log:{service.id}" in payloads, service.id
        assert 1 <= len(payloads) <= 5, service.id


def test_a_tapped_request_is_logged_with_the_service(knowledge: Knowledge) -> None:
    talk = Talking(knowledge).say("太仓创新券怎么申请").tap("登记请专员核实")
    assert talk.dialog == "request"
    for answer in ("太仓某药业", "同意", "李女士", "13800000000"):
        talk.say(answer)
        if talk.filed:
            break
    for label in ("确认登记",):
        if not talk.filed:
            talk.say(label)
    assert talk.filed
    assert "创新券" in str(talk.filed[0].dossier["matter"])
