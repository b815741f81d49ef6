"""What the benchmarks reckon with: quality, paired tests, tables, variation. What they measure is printed, never asserted."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import growth, intents_peers, passages_peers, prechecks, telegram, understanding, web, workers
from bench.bot_api import Plan, bot_api
from bench.measuring import ROOT, SkippedError, auroc, fresh, mcnemar, paired_bootstrap, percentile, resident, timed
from bench.queueing import Costs, Plant, simulate
from bench.tables import Table, cpu, replace_part
from bench.turns import TALKS
from handlers.sheets import DETAILS, SUMMARY
from knowledge.precheck import precheck
from knowledge.snapshot import Knowledge

PAGE = "# Page\n\n<!-- generated: set -->\nold\n<!-- end: set -->\n\nProse.\n\n<!-- generated: growth -->\nkept\n<!-- end: growth -->\n"


# --- quality and tests


@pytest.mark.parametrize(
    ("inside", "outside", "area"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1, 0.2], [0.9, 0.8], 0.0),
        ([0.5, 0.5], [0.5], 0.5),
        ([0.9, 0.3], [0.5, 0.1], 0.75),
        ([0.9, 0.5], [0.5, 0.1], 0.875),
        ([0.2], [0.1, 0.3, 0.3, 0.3], 0.25),
    ],
)
def test_auroc(inside: list[float], outside: list[float], area: float) -> None:
    assert auroc(inside, outside) == pytest.approx(area)


def test_auroc_counts_every_pair() -> None:
    draw = random.Random(3)
    inside, outside = [draw.randrange(20) + 3.0 for _ in range(40)], [float(draw.randrange(20)) for _ in range(70)]
    wins = sum((a > b) + (a == b) / 2 for a in inside for b in outside)
    assert auroc(inside, outside) == pytest.approx(wins / (40 * 70))


def test_auroc_of_nothing_is_no_number() -> None:
    assert math.isnan(auroc([], [1.0]))
    assert math.isnan(auroc([1.0], []))


@pytest.mark.parametrize(
    ("only_ours", "only_theirs", "p"),
    [(0, 0, 1.0), (3, 3, 1.0), (1, 5, 0.21875), (5, 1, 0.21875), (10, 0, 2 / 1024), (8, 2, 112 / 1024)],
)
def test_mcnemar(only_ours: int, only_theirs: int, p: float) -> None:
    both = [True] * 50 + [False] * 30
    ours = [*both, *[True] * only_ours, *[False] * only_theirs]
    theirs = [*both, *[False] * only_ours, *[True] * only_theirs]
    assert mcnemar(ours, theirs) == pytest.approx(p)


def test_mcnemar_of_many_items() -> None:
    assert mcnemar([True] * 2000 + [False] * 1900, [False] * 2000 + [True] * 1900) == pytest.approx(0.113, abs=0.002)


def test_paired_tests_refuse_unequal_lists() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        mcnemar([True], [])
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        paired_bootstrap([1.0], [])


def test_paired_bootstrap() -> None:
    same = paired_bootstrap([1.0, 0.0] * 50, [1.0, 0.0] * 50)
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    better = paired_bootstrap([1.0] * 60 + [0.0] * 40, [1.0] * 40 + [0.0] * 60)
    assert better.difference == pytest.approx(0.2)
    error = math.sqrt(0.2 * 0.8 / 100)
    assert better.low == pytest.approx(0.2 - 1.96 * error, abs=0.02)
    assert better.high == pytest.approx(0.2 + 1.96 * error, abs=0.02)
    assert better == paired_bootstrap([1.0] * 60 + [0.0] * 40, [1.0] * 40 + [0.0] * 60)
    assert str(better).startswith("+0.200 [+0.1")


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.01, 1), (0.1, 1), (0.11, 2), (0.5, 5), (0.95, 10), (1.0, 10)])
def test_percentile(share: float, value: int) -> None:
    assert percentile([10, 3, 1, 2, 9, 5, 4, 7, 6, 8], share) == value


def test_percentile_of_one() -> None:
    assert percentile([4.0], 0.5) == percentile([4.0], 0.99) == 4.0


def test_timed_gives_results_in_order() -> None:
    results, micros = timed(lambda n: n * 2, [3, 1, 2])
    assert results == [6, 2, 4]
    assert len(micros) == 3
    assert min(micros) >= 0
    assert len(timed(lambda n: n, range(100), seconds=0)[0]) == 1


def test_memory_grows_with_what_is_held() -> None:
    try:
        before = resident()
    except SkippedError as reason:
        pytest.skip(str(reason))
    held = b"\1" * 64 * 2**20
    assert 60 < resident() - before < 80, len(held)


def test_a_process_that_fails_is_skipped_with_its_reason() -> None:
    with pytest.raises(SkippedError, match="no_such_module"):
        fresh("bench.no_such_module")


# --- tables


def test_a_table_as_text_and_as_markdown() -> None:
    table = Table("T", ("系统", "µs", "said"), (("园企通", "5", "a|b"), ("x", "1,234", "–")), ("a note",))
    assert table.text() == "T\n  系统       µs  said\n  园企通      5  a|b\n  x       1,234  –\n  a note"
    assert table.markdown() == "### T\n\n| 系统 | µs | said |\n| --- | ---: | --- |\n| 园企通 | 5 | a\\|b |\n| x | 1,234 | – |\n\n- a note\n"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row has 1 cells under a head of 2"):
        Table("T", ("a", "b"), (("x",),))


def test_only_the_part_between_its_markers_is_replaced() -> None:
    written = replace_part(PAGE, "set", "new \\1 line\n")
    assert written == PAGE.replace("old", "new \\1 line")
    assert replace_part(written, "set", "old") == PAGE


@pytest.mark.parametrize("page", ["", PAGE.replace("<!-- end: set -->", ""), PAGE + PAGE], ids=["none", "no end", "twice"])
def test_a_page_without_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match=r"<!-- generated: set -->"):
        replace_part(page, "set", "new")


def test_the_page_has_a_place_for_every_part() -> None:
    page = (ROOT / "docs" / "understanding.md").read_text(encoding="utf-8")
    for part in understanding.PARTS:
        assert "new" in replace_part(page, part, "new")


def test_processors(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Fast One\n\nprocessor\t: 1\nmodel name\t: Fast One\n", encoding="utf-8")
    assert cpu(file) == "2 × Fast One"
    assert cpu(tmp_path / "absent")


# --- peers


def test_absent_data_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(intents_peers, "FOLDER", tmp_path)
    monkeypatch.setattr(passages_peers, "FILE", tmp_path / "dev.json")
    page = tmp_path / "page.md"
    understanding.main(["--only", "intents", "--only", "passages", "--write", str(page)])
    said = capsys.readouterr().out
    assert f"intents: skipped, no {tmp_path}" in said
    assert f"passages: skipped, no {tmp_path}" in said
    assert not page.exists()


def test_examples_are_drawn_a_label_and_never_from_chit_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"music\t歌{n}" for n in range(20)] + ["bus\t车", "bus\t站\t台"] + [f"chat\t聊{n}" for n in range(5)]
    (tmp_path / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "develop.tsv").write_text("bus\t车票\nchat\t你好\n", encoding="utf-8")
    monkeypatch.setattr(intents_peers, "FOLDER", tmp_path)
    ten = intents_peers.examples(10, 1)
    assert {label: len(texts) for label, texts in ten.items()} == {"music": 10, "bus": 2}
    assert ten == intents_peers.examples(10, 1) != intents_peers.examples(10, 2)
    assert sorted(ten["bus"]) == ["站\t台", "车"]
    assert len(intents_peers.examples(None, 1)["music"]) == 20
    asked = intents_peers.messages()
    assert (asked.texts, asked.labels) == (["车票"], ["bus"])
    assert asked.outside == ["你好", *(f"聊{n}" for n in range(5))]


def test_cuts() -> None:
    assert passages_peers.letters_and_pairs("AB c，园区") == ["a", "b", "c", "园", "区", "ab", "园区"]
    assert passages_peers.pairs("AB c，生物园") == ["ab", "c", "生物", "物园"]
    assert passages_peers.triples("Abcd") == ["abc", "bcd"]


def test_rarity_counts_texts_and_different_terms() -> None:
    rarity = passages_peers.Rarity(["aa", "ab", "cd"], list)
    common, unknown = math.log(1 + 1.5 / 2.5), math.log(1 + 3.5 / 0.5)
    assert rarity.total("a") == rarity.total("aa") == pytest.approx(common)
    assert rarity.total("ax") == pytest.approx(common + unknown)
    assert rarity.total("") == 0


def test_ranks_recall_and_reciprocal() -> None:
    found = [(7, 0.9), (3, 0.5)]
    assert [passages_peers.rank_of(n, found) for n in (7, 3, 1)] == [0, 1, None]
    measured = passages_peers.Run([0, 1, None, 4], [], 0, None, 0, 0)
    assert [measured.recall(depth) for depth in (1, 2, 5)] == [0.25, 0.5, 0.75]
    assert measured.reciprocal() == pytest.approx((1 + 1 / 2 + 0 + 1 / 5) / 4)


# --- growth


def test_growth_keeps_labels_and_the_shipped_examples(knowledge: Knowledge) -> None:
    once, grown = growth.examples(knowledge, 1), growth.examples(knowledge, 3)
    assert {name: tuple(texts) for name, texts in once.items()} == {i.name: i.examples for i in knowledge.intents.values()}
    assert {name: len(texts) for name, texts in grown.items()} == {name: 3 * len(texts) for name, texts in once.items()}
    assert all(grown[name][: len(texts)] == texts for name, texts in once.items())
    assert grown == growth.examples(knowledge, 3)
    assert len({text for texts in grown.values() for text in texts}) > 2.5 * sum(map(len, once.values()))


def test_growth_of_records_and_passages(knowledge: Knowledge) -> None:
    grown = growth.records(knowledge, 2)
    shipped = list(knowledge.answerable())
    assert list(grown[: len(shipped)]) == shipped
    assert len({r.id for r in grown}) == len(grown) == 2 * len(shipped)
    assert [type(r) for r in grown[len(shipped) :]] == [type(r) for r in shipped]
    texts = growth.passages(knowledge, 2)
    assert len(set(texts)) > 1.8 * len(shipped)
    assert texts == growth.passages(knowledge, 2)


def test_the_biggest_base_is_big(knowledge: Knowledge) -> None:
    count = sum(len(i.examples) for i in knowledge.intents.values()) + len(list(knowledge.answerable()))
    assert count * max(growth.FACTORS) >= 100_000


# --- entities of the evaluation set


def test_names_are_compared_as_what_they_stand_for(knowledge: Knowledge) -> None:
    vocabulary = knowledge.vocabulary
    by_name = understanding.wanted_value("segment", "核酸药物", vocabulary)
    assert by_name == understanding.wanted_value("segment", "小核酸药物", vocabulary)
    assert by_name != understanding.wanted_value("segment", "体外诊断", vocabulary)
    for park in knowledge.parks.values():
        found = next((f for f in vocabulary.read(park.name, understanding.TODAY) if f.kind == "park"), None)
        if found is None:  # a district that is a region's name as well
            assert [f.kind for f in vocabulary.read(park.name, understanding.TODAY)] == ["region"]
            continue
        assert understanding.wanted_value("park", park.name, vocabulary) == understanding.found_value(found)


def test_unknown_names_and_other_values_stay_as_they_are(knowledge: Knowledge) -> None:
    unknown = understanding.wanted_value("segment", "量子茶壶", knowledge.vocabulary)
    assert unknown == ("segment", "量子茶壶")
    assert understanding.wanted_value("region", "taicang", knowledge.vocabulary) == ("region", '"taicang"')
    longer = understanding.wanted_value("segment", "核酸药物和茶壶", knowledge.vocabulary)  # a name inside is not the name
    assert longer == ("segment", "核酸药物和茶壶")


# --- pre-checks


def test_random_companies_are_companies_that_the_command_takes(tmp_path: Path, knowledge: Knowledge) -> None:
    prechecks.write_companies(tmp_path / "a.csv", 40, knowledge)
    prechecks.write_companies(tmp_path / "b.csv", 40, knowledge)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    ran = prechecks.run_batch(tmp_path / "a.csv", tmp_path / "a.xlsx", 1)
    assert ran.cells == prechecks.cells(tmp_path / "a.xlsx") > 40 * len(SUMMARY) / 2
    assert ran.quarter > 0 and ran.end > 0


def test_the_loop_that_judges_nothing_writes_as_many_cells(tmp_path: Path, knowledge: Knowledge) -> None:
    prechecks.write_companies(tmp_path / "a.csv", 20, knowledge)
    assert prechecks.only_written(tmp_path / "a.csv", tmp_path / "a.xlsx", 700) > 0
    heads = len(SUMMARY) + len(DETAILS)
    assert prechecks.cells(tmp_path / "a.xlsx") == 700 + heads


def test_many_supports_are_other_supports_of_the_region(knowledge: Knowledge) -> None:
    grown = prechecks.many(knowledge, 300)
    region = prechecks.REGION
    more = [s for s in grown.supports_in(region) if s.id not in knowledge.supports]
    assert len(more) == 300
    assert len(grown.agendas[region].rows) == len(knowledge.agendas[region].rows) + 300
    shipped = {repr(s.criteria) for s in knowledge.supports.values()}
    assert sum(repr(s.criteria) not in shipped for s in more) > 150
    facts = {"region": region, "products": "none", "events": "none"}
    statuses = {r.status for r in precheck(grown, region, facts, prechecks.NOW.date()).rows}
    assert len(statuses) > 2


def test_timed_talks_are_pre_checks_to_their_end(knowledge: Knowledge) -> None:
    table = prechecks.turn_table(knowledge, 3, 20, 3)
    typed = (*(what for what, _ in prechecks.SPOKEN), "the report's page, when it is opened", "a request filed, with its dossier")
    kinds = ("one turn", "one turn with the report", "one whole pre-check", *typed)
    assert [row[:3] for row in table.rows] == [(name, count, kind) for name, count in (("shipped", "83"), ("20 more", "103")) for kind in kinds]
    turns, reports = int(table.rows[0][3]), int(table.rows[1][3])
    assert reports == 3
    assert turns > 5 * reports, "talks of several questions"


# --- Telegram and the web chat


def test_people_talk_side_by_side_and_each_in_order() -> None:
    plan = Plan((("a", "b"), ("c", "d", "e")), messages=11, chats=2, webhooks=2)
    said: dict[int, list[str]] = {}
    ids, dates = [], dict[int, list[int]]()
    for update in plan.updates():
        message = update["message"]
        said.setdefault(message["chat"]["id"], []).append(message["text"])
        dates.setdefault(message["chat"]["id"], []).append(message["date"])
        ids.append(update["update_id"])
    assert said == {1: ["a", "b"], 2: ["c", "d", "e"], 3: ["a", "b"], 4: ["c", "d"], 5: ["a", "b"]}
    assert ids == sorted(set(ids)) and all(sorted(set(own)) == own for own in dates.values())
    assert plan.share(0) + plan.share(1) == 11


def test_each_bot_answers_every_message(tmp_path: Path) -> None:
    plan = Plan(TALKS, messages=12, chats=5)
    assert telegram.echoed(plan, side_by_side=False).messages == 12
    for name, ways in (("fetched", plan), ("posted", replace(plan, webhooks=1, round_trip=0.01))):
        run = telegram.answered(ways, tmp_path / name)
        assert (run.messages, run.rate > 0) == (12, True)
        with closing(sqlite3.connect(tmp_path / name)) as db:
            ((updates,),) = db.execute("select count(*) from updates")
            states = dict(db.execute("select state, count(*) from messages group by state"))
        assert updates == states["received"] == 12
        assert states["sent"] >= 12 and len(states) == 2


def test_a_full_outbox_is_sent_whole(tmp_path: Path) -> None:
    with bot_api(Plan(TALKS, 0)) as url:
        assert telegram.alone(telegram.drained, (url, 30, tmp_path / "outbox.db")).messages == 30
        assert telegram.alone(telegram.sent, (url, 30, "aiohttp")).messages == 30
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        assert db.execute("select state, count(*) from messages group by state").fetchall() == [("sent", 30)]


def test_commits_of_one_chat_and_of_several() -> None:
    table = workers.sharing(0.2, (1, 3))
    assert [row[0] for row in table.rows] == ["1", "3"]
    assert all(float(figure) > 0 for row in table.rows for figure in row[1:])


def test_visitors_talk_to_the_chat_and_to_the_echo() -> None:
    table, memory = web.tables(0.3, visitors=(2,), chats=4)
    assert [len(row) for row in table.rows] == [len(table.head)] and float(table.rows[0][1]) > 0
    assert [row[0] for row in memory.rows] == ["chat", "echo"]


# --- the simulation


def costs(**other: Any) -> Costs:
    return Costs(**{"answers": (0.01,), "python": 0.0, "database": 0.0, "sync": 0.0, "load": 1, "commit": 1, "tell": 0, **other})


def test_a_loop_does_as_many_turns_as_its_processor_time_allows() -> None:
    assert simulate(Plant(1, 1, 4, 4), costs(), 20, chats=16).rate == pytest.approx(100, rel=0.01)
    assert simulate(Plant(3, 1, 4, 4), costs(), 20, chats=16).rate == pytest.approx(300, rel=0.01)
    assert simulate(Plant(3, 1, 2, 4), costs(), 20, chats=16).rate == pytest.approx(200, rel=0.01), "two cores are not three"
    assert simulate(Plant(4, 2, 2, 4, speed=0.5), costs(), 20, chats=16).rate == pytest.approx(200, rel=0.01)


def test_times_are_those_of_queueing_theory() -> None:
    """Arrivals by chance at one server that always takes 10 ms, 70 % busy: Pollaczek and Khinchine's mean."""
    seen = simulate(Plant(1, 1, 1, 4, connections=10_000), costs(load=0, commit=0), 1000, rate=lambda now: 70.0, peak=70.0)
    assert sum(seen.times) / len(seen.times) == pytest.approx(0.01 + 0.7 * 0.01 / (2 * 0.3), rel=0.05)
    assert seen.loops_busy == pytest.approx(0.7, rel=0.02)
    assert seen.waiting["loop"] == pytest.approx(70 * 0.7 * 0.01 / (2 * 0.3), rel=0.1), "Little's law"


def test_commits_that_come_together_share_a_sync() -> None:
    alone = simulate(Plant(1, 1, 4, 4), costs(answers=(0.0,), sync=0.01), 10, chats=1)
    assert alone.rate == pytest.approx(100, rel=0.02)
    assert alone.syncs == pytest.approx(1000, rel=0.02)
    many = simulate(Plant(4, 1, 4, 4), costs(answers=(0.0,), sync=0.01), 10, chats=8)
    assert many.rate == pytest.approx(32 * 50, rel=0.05), "who comes during a sync waits for its end, and for the next"
    assert many.syncs == pytest.approx(1000, rel=0.02)


def test_the_way_to_the_database_and_its_connections_bound_a_worker() -> None:
    far = costs(answers=(0.0,), load=5, commit=5)
    assert simulate(Plant(1, 1, 4, 4, away=0.01), far, 20, chats=4).rate == pytest.approx(4 / 0.1, rel=0.02)
    assert simulate(Plant(1, 1, 4, 4, away=0.01, connections=8), far, 20, chats=64).rate == pytest.approx(8 / 0.1, rel=0.02)


def test_news_are_told_in_few_notifications_and_other_reads_can_go_elsewhere() -> None:
    told = simulate(Plant(4, 1, 4, 4), costs(answers=(0.0,), sync=0.01, tell=2), 10, chats=8)
    assert told.rate > 0.8 * 1600, "what is told stands beside the turns and shares their syncs; it takes one of a worker's connections"
    busy = Plant(1, 1, 1, 1, reads=400)
    asked = costs(database=0.001)
    here = simulate(busy, asked, 20, rate=lambda now: 10.0, peak=10.0)
    there = simulate(replace(busy, replica=True), asked, 20, rate=lambda now: 10.0, peak=10.0)
    assert here.database_busy == pytest.approx(0.82, rel=0.05)
    assert there.database_busy == pytest.approx(0.02, rel=0.3)


def test_a_rate_that_rises_is_followed() -> None:
    seen = simulate(Plant(8, 2, 4, 4), costs(answers=(0.001,)), 100, rate=lambda now: 100 + now, peak=210)
    assert seen.arrived == pytest.approx(sum(100 + 10 + n for n in range(100)), rel=0.03)
    assert len(seen.times) == pytest.approx(seen.arrived, rel=0.01)
