"""Walking every guided dialog: it ends, every edge is covered, replaying twice is the same, back and again is the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dialogs import frames, reports
from dialogs.answers import Voice
from dialogs.conversation import State
from dialogs.frames import DIALOGS, Stage
from dialogs.replay import Replay, chart, replay, steps, walk
from dialogs.script import BadTokenError, Choice, Choices, Flag, Items, Outcome, Script, ScriptError, ask
from dialogs.scripts.park_selection import Shortlist
from dialogs.texts import LANGUAGES, texts
from knowledge.facts import FactType
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge
from knowledge.validity import OVER

TODAY = date(2026, 11, 22)
REGIONS = ("suzhou", "taicang", "snd", "kunshan", "xuzhou")
WALKS: list[tuple[str, dict[str, str]]] = [(d, {}) for d in DIALOGS if d != "subsidy_precheck"] + [
    ("subsidy_precheck", {"region": r}) for r in REGIONS
]


def outcome_of(way: Replay) -> Outcome:
    assert way.outcome is not None
    return way.outcome


@pytest.mark.parametrize(("dialog", "start"), WALKS, ids=lambda v: v if isinstance(v, str) else v.get("region", "all"))
def test_every_way_ends_with_cited_results(knowledge: Knowledge, dialog: str, start: dict[str, str]) -> None:
    stage, ways = Stage(knowledge, TODAY), 0
    voices = [Voice(knowledge, TODAY, texts(language)) for language in LANGUAGES]
    limit = 150 if dialog == "subsidy_precheck" else 1500
    for way in walk(stage.script(dialog), limit, start):
        ways += 1
        outcome, answers = outcome_of(way), way.answers()
        assert len(way.trail) <= 60
        assert all(asked.question.key not in {a.question.key for a in way.trail[:i]} for i, asked in enumerate(way.trail))
        if ways % 7 == 0:
            again = replay(stage.script(dialog), answers)
            assert reports.digest(outcome_of(again)) == reports.digest(outcome)
            shorter = replay(stage.script(dialog), {k: v for k, v in answers.items() if k != way.trail[-1].question.key})
            assert shorter.asking is not None
            assert shorter.asking.key == way.trail[-1].question.key
            for voice in voices:
                for reply in reports.tell(voice, outcome, "1"):
                    assert len(reply.text) < 4000
                    assert reply.options
                    assert all(c.document in knowledge.documents and c.section for c in reply.citations)
                    if isinstance(outcome.data, Shortlist) and not outcome.data.parks:
                        continue
                    assert reply.citations
    assert ways > 5 or dialog in ("request", "add_note")


@pytest.mark.parametrize("region", REGIONS)
def test_the_precheck_asks_each_question_that_some_support_needs(knowledge: Knowledge, region: str) -> None:
    asked = {s.key for s in steps(Stage(knowledge, TODAY).script("subsidy_precheck"), 40) if s.key != "region"}
    assert {"events", "plans"} <= asked
    times = zip(knowledge.supports_in(region), knowledge.agendas[region].times(TODAY), strict=True)
    living = [s for s, time in times if time not in OVER] or knowledge.supports_in(region)
    facts = {c.fact for s in living for c in s.criteria if c.fact}
    seen: set[str] = set()
    for way in walk(Stage(knowledge, TODAY).script("subsidy_precheck"), 150, {"region": region}):
        seen |= {frames_generic(a.question.key) for a in way.trail}
    implied = {f for f in facts if knowledge.facts[f].implied_by}
    assert facts - implied <= seen | implied
    asked_for = {f for s in living for f in (*(c.fact for c in s.criteria), s.amount.of)} | {"region", "products", "product.type", "product.year"}
    assert seen <= asked_for, "nothing is asked for the sake of supports whose time is over, while others live"


def frames_generic(key: str) -> str:
    parts = key.split(".")
    return f"{parts[0]}.{parts[2]}" if len(parts) == 3 else key


def test_a_park_way_names_only_parks_of_the_chosen_region(knowledge: Knowledge) -> None:
    stage = Stage(knowledge, TODAY)
    for region in REGIONS:
        way = replay(stage.script("park_selection"), {"segment": "unknown", "region": region, "site_stage": "unknown", "needs": "none"})
        data = outcome_of(way).data
        assert isinstance(data, Shortlist)
        inside = set(knowledge.around(region))
        assert data.parks
        assert {m.park.region for m in data.parks} <= inside


def test_charts_are_mermaid_with_every_question(knowledge: Knowledge) -> None:
    for dialog in ("park_selection", "approval_channel", "request"):
        drawn = chart(Stage(knowledge, TODAY).script(dialog), dialog, {})
        assert drawn.startswith("flowchart TD\n")
        assert drawn.count("-->") >= 3
        for step in steps(Stage(knowledge, TODAY).script(dialog), 500):
            assert f'"{step.key}"' in drawn


def flag(key: str) -> FactType:
    words = Words(zh="问", en="ask")
    return FactType(key=key, type="flag", scope="company", question=words, why=words, help=words)


def test_a_forgotten_yield_from_is_found_at_once() -> None:
    def forgetful() -> Script:
        if ask(flag("a")):
            yield from ask(flag("b"))
        return Outcome("never")

    with pytest.raises(ScriptError, match="yield from"):
        replay(forgetful, {})


def test_an_answer_that_no_longer_exists_is_asked_again() -> None:
    def one() -> Script:
        value = yield from ask(flag("a"))
        return Outcome("done", value)

    assert replay(one, {"a": "perhaps"}).asking is not None
    assert outcome_of(replay(one, {"a": "yes"})).data is True
    assert outcome_of(replay(one, {"a": "unknown"})).data is None


def test_a_script_must_return_an_outcome() -> None:
    def careless() -> Any:
        yield from ask(flag("a"))

    with pytest.raises(ScriptError, match="Outcome"):
        replay(careless, {"a": "yes"})


@pytest.mark.parametrize("token", ["", "x", "1,1", "0", "1,2,3,4,5,6,7,8,9,10", "１"])
def test_a_list_of_items_refuses_nonsense(token: str) -> None:
    words = Words(zh="问", en="ask")
    question = Items("products", FactType(key="products", type="number", scope="company", question=words, why=words, help=words))
    with pytest.raises(BadTokenError):
        question.value(token)


def test_choices_refuse_unknown_and_doubled_tokens() -> None:
    words = Words(zh="问", en="ask")
    fact = FactType(key="events", type="choices", scope="company", question=words, why=words, help=words)
    question = Choices("events", fact, options=(("a", words), ("b", words)))
    assert question.value("b,a") == ("a", "b")
    assert question.value("none") == ()
    assert question.value("unknown") is None
    for bad in ("a,a", "c", ""):
        with pytest.raises(BadTokenError):
            question.value(bad)
    for sample in question.samples():
        question.value(sample)


def test_every_sample_of_every_question_can_be_read(knowledge: Knowledge) -> None:
    stage, seen = Stage(knowledge, TODAY), set[str]()
    for dialog, start in WALKS:
        for way in walk(stage.script(dialog), 30, start):
            for asked in way.trail:
                for sample in asked.question.samples():
                    asked.question.value(sample)
                    seen.add(asked.question.key)
    assert {"region", "segment", "events", "products", "product.1.class", "contact.reach", "note"} <= seen


def test_keys_of_left_branches_are_dormant_and_offered_again(knowledge: Knowledge) -> None:
    stage = Stage(knowledge, TODAY)
    state = frames.start(State(), stage, "subsidy_precheck", {"region": "snd", "events": "new_device_certificate", "plans": "none"})
    state = frames.answer(state, stage, {"products": "1"})
    state = frames.answer(state, stage, {"product.1.class": "III"})
    assert state.frames[-1].answers["product.1.class"] == "III"
    state = frames.answer(state, stage, {"events": "none"})
    assert "product.1.class" not in state.frames[-1].trail
    state = frames.answer(state, stage, {"events": "new_device_certificate"})
    now = stage.run(state.frames[-1])
    assert now.asking is not None
    assert now.asking.key == "product.1.class"
    assert state.frames[-1].dormant["product.1.class"] == "III"


def test_removing_an_item_erases_its_answers(knowledge: Knowledge) -> None:
    stage = Stage(knowledge, TODAY)
    given = {
        "region": "snd",
        "events": "new_device_certificate",
        "plans": "none",
        "products": "1,2",
        "product.1.class": "III",
        "product.2.class": "II",
    }
    state = frames.start(State(), stage, "subsidy_precheck", given)
    state = frames.answer(state, stage, {"products": "2"})
    assert not [k for k in state.frames[-1].answers if k.startswith("product.1.")]
    assert state.frames[-1].answers["product.2.class"] == "II"


def test_choice_and_flag_are_typed() -> None:
    words = Words(zh="问", en="ask")
    fact = FactType(key="stage", type="choice", scope="company", question=words, why=words, help=words)
    choice = Choice("stage", fact, options=(("a", words),))
    assert choice.value("a") == "a"
    assert choice.value("unknown") is None
    assert Flag("f", fact).value("no") is False
