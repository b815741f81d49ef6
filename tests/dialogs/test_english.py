"""English: everything that we say in our own words is English; what stands in Chinese is a name with its gloss, or says that it is Chinese."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date

import pytest

from dialogs import reports
from dialogs.answers import Voice
from dialogs.frames import DIALOGS, Stage
from dialogs.messages import Reply, Source, cited
from dialogs.naming import english_money
from dialogs.replay import walk
from dialogs.texts import texts
from knowledge.money import Money
from knowledge.precheck import Report
from knowledge.shapes import Window
from knowledge.snapshot import Knowledge
from tests.dialogs.talking import Talking

TODAY = date(2026, 11, 22)
KINDS = ("documents", "layouts", "parks", "supports", "channels", "services")
"""What has a name that people meet: each has a gloss."""
HAN = re.compile("[一-鿿]")
NAME = re.compile(r"(?P<name>[^\s\"]*[一-鿿][^\"]*?) \((?P<gloss>[^()一-鿿]+)\)")
OWN = ("园企通 (Yuanqitong)", "高新区 (high-tech zone)", "三首")
"""Chinese words that our own texts and questions explain, and the papers' term for first sets."""


@pytest.fixture
def talk(knowledge: Knowledge) -> Talking:
    return Talking(knowledge).say("hello, what can you do for us?")


@pytest.fixture
def voice(knowledge: Knowledge) -> Voice:
    return Voice(knowledge, TODAY, texts("en"))


def names(knowledge: Knowledge) -> list[str]:
    """Every name with its gloss as English has it, the longest first."""
    rows = [(r.title if kind == "documents" else r.name, r.en) for kind in KINDS for r in getattr(knowledge, kind).values()]
    return sorted((f"{name} ({gloss})" for name, gloss in rows), key=len, reverse=True)


def unexplained(knowledge: Knowledge, text: str) -> list[str]:
    """Lines with Chinese in them that is no glossed name, no quotation, and not said to be Chinese."""
    found = []
    for line in text.split("\n"):
        bare = re.sub(r'"[^"]*"', "", line)
        if "(in Chinese)" in line or not HAN.search(bare):
            continue
        for known in (*names(knowledge), *OWN):
            line = line.replace(known, "")
        if HAN.search(re.sub(r'"[^"]*"', "", line)):
            found.append(line)
    return found


def check(knowledge: Knowledge, replies: Iterable[Reply], voice: Voice) -> None:
    """Lines and buttons of replies are English, and each source tells what its paper is."""
    kinds = tuple(f"{text}: " for key, text in voice.say.entries.items() if key.startswith("kinds."))
    for reply in replies:
        assert not unexplained(knowledge, reply.text), reply.text
        assert not re.search(r" {2,}[^ ·]|\.\.(?!\.)|\( |: :|。 ?\.", reply.text.replace("\n  ", "\n")), reply.text
        for option in reply.options:
            label = option.label.replace("三首", "")
            assert not HAN.search(label) or label.startswith(kinds), label
        assert all(c.gloss and not HAN.search(c.gloss) for c in reply.citations)


def heard(talk: Talking) -> str:
    """What was said, after looking at it."""
    check(talk.knowledge, talk.replies, Voice(talk.knowledge, TODAY, texts("en")))
    return talk.text


# --- glosses


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_has_a_gloss(knowledge: Knowledge, kind: str) -> None:
    records = getattr(knowledge, kind)
    assert records
    for key, record in records.items():
        name, gloss = getattr(record, "name", None) or record.title, record.en
        assert gloss, key
        assert gloss.isascii() and gloss[0] == gloss[0].upper() and not gloss.endswith("."), key
        assert len(gloss) <= 130, key
        assert "(" not in gloss, key  # it stands in brackets itself
        assert set(re.findall(r"\d+", gloss)) <= set(re.findall(r"\d+", name)), key  # no figure that the name has not


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "documents"])
def test_what_has_two_names_has_two_glosses(knowledge: Knowledge, kind: str) -> None:
    """Buttons bear the gloss alone: two of a region must not look alike."""
    once = {(r.region, r.name): r.en for r in getattr(knowledge, kind).values()}
    twice = [g for g, count in Counter((region, gloss) for (region, _), gloss in once.items()).items() if count > 1]
    assert not twice


def test_without_a_gloss_the_name_is_quoted(knowledge: Knowledge, voice: Voice) -> None:
    park = knowledge.parks["tc-park-bioport"].model_copy(update={"en": None})
    assert voice.called(park) == '"太仓生物港"'
    assert voice.label(park) == "See park: 太仓生物港"
    assert voice.called(knowledge.parks["tc-park-bioport"]) == "太仓生物港 (Taicang Biotech Harbour)"
    assert Voice(knowledge, TODAY, texts("zh")).called(park) == "太仓生物港"


# --- sums, periods, conditions


@pytest.mark.parametrize(
    ("printed", "said"),
    [("200万元", "CNY 2,000,000"), ("1.2亿元", "CNY 120,000,000"), ("3000万美元", "USD 30,000,000"), ("500元", "CNY 500"), ("1.5元", "CNY 1.5")],
)
def test_sums_are_written_in_whole_units(printed: str, said: str) -> None:
    assert english_money(Money.parse(printed)) == said


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (date(2021, 1, 1), date(2023, 12, 31), "2021 to 2023"),
        (date(2021, 4, 17), date(2023, 12, 31), "2021-04-17 to 2023-12-31"),
        (None, date(2025, 12, 31), "to the end of 2025"),
        (None, date(2025, 6, 30), "to 2025-06-30"),
        (date(2025, 1, 1), None, "from 2025-01-01"),
        (None, None, '"三年内"'),
    ],
)
def test_a_period_is_told_by_its_dates(voice: Voice, since: date | None, until: date | None, said: str) -> None:
    assert voice.period(Window(since=since, until=until, printed="三年内")) == said


def test_a_condition_is_told_by_its_test(knowledge: Knowledge, voice: Voice) -> None:
    said = {c.text: voice.condition(c) for s in knowledge.supports.values() for c in s.criteria}
    tested = {c.text for s in knowledge.supports.values() for c in s.criteria if c.fact}
    assert len(tested) > 50
    for text, words in said.items():
        assert (words == f'"{text}"') is (text not in tested), text
    project = next(c for c in knowledge.supports["snd-device-project"].criteria if c.at_least)
    assert voice.condition(project) == "Total investment of the project: at least CNY 100,000,000"
    foreign = next(c for c in knowledge.supports["snd-foreign-project"].criteria if c.above)
    assert voice.condition(foreign) == "Foreign capital received this year, in US dollars: more than USD 30,000,000"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("snd-device-iii", "up to CNY 3,000,000, up to CNY 5,000,000 per company and year"),
        ("sz-joint-rd", "10%-30% of the total investment put into the project, up to CNY 20,000,000 per project"),
        ("sz-clinical-specialty", "CNY 500,000 for each qualified specialty"),
        ("sz-procurement-win", "up to CNY 2,000,000, based on the procurement value (the paper gives no rate)"),
        ("snd-foreign-project", "decided case by case, no fixed amount"),
    ],
)
def test_amounts_are_as_firm_as_the_paper(knowledge: Knowledge, voice: Voice, key: str, said: str) -> None:
    assert voice.amount(knowledge.supports[key]) == said


def test_a_target_is_told_with_its_bound_and_year(knowledge: Knowledge, voice: Voice) -> None:
    said = voice.indicator(knowledge.indicators["tc-a-revenue"])
    assert said == '"生物医药产业营业收入": CNY 50,000,000,000, by 2025, CNY 20,000,000,000 in 2021.'
    assert "which the paper strives for" in voice.indicator(knowledge.indicators["snd-ind-scale-2020"])
    area = next(i for i in knowledge.indicators.values() if i.unit == "万平方米" and i.value.isdecimal())
    assert f"{int(area.value) * 10000:,} square metres" in voice.indicator(area)


# --- records, lists, sources


def test_every_record_is_told_in_english(knowledge: Knowledge, voice: Voice) -> None:
    for record in knowledge.answerable():
        replies = [voice.tell(record), voice.tell(record, full=True)]
        check(knowledge, replies, voice)
        assert all("(in Chinese)" not in r.text.split("\n")[0] or record in knowledge.tasks.values() for r in replies), record.id


def test_lists_are_english(knowledge: Knowledge, voice: Voice) -> None:
    for region in knowledge.regions:
        for records in (knowledge.supports_in(region)[:9], knowledge.parks_in(region)[:9], list(knowledge.clauses.values())[:9]):
            reply = voice.listing(voice.say("facts.list", region=voice.region_name(region)), records)
            check(knowledge, [reply], voice)
            assert len(reply.text.split("\n")) >= 1 + len(records)
    check(knowledge, [voice.candidates(list(knowledge.questions.values())[:3])], voice)


def test_sources_name_the_paper_and_gloss_it(knowledge: Knowledge, voice: Voice) -> None:
    [line] = cited(voice.sources([knowledge.supports["sz-procurement-win"].source]))
    paper = knowledge.documents["suzhou-2021"]
    assert line == f"Source: {paper.title} ({paper.en}), {paper.number}, 四1"
    source = voice.sources([knowledge.parks["tc-park-bioport"].source])[0]
    assert Source.from_json(source.to_json()) == source
    plain = Voice(knowledge, TODAY, texts("zh")).sources([knowledge.parks["tc-park-bioport"].source])[0]
    assert "gloss" not in plain.to_json() and cited([plain])[0].startswith("依据：《")


# --- talks


def test_a_fact_by_its_chinese_name(talk: Talking) -> None:
    said = heard(talk.say("what is 太仓生物港?"))
    assert said.startswith("太仓生物港 (Taicang Biotech Harbour), Taicang.\nFields: in-vitro diagnostics,")
    assert "The paper's target period (to the end of 2025) is over" in said
    said = heard(talk.send("!show:snd-device-iii"))
    assert said.split("\n")[0].endswith("(Grant for class III device certificates): up to CNY 3,000,000, up to CNY 5,000,000 per company and year.")
    assert said.split("\n")[1] == "What counts: new device certificate; class III."
    more = heard(talk.tap("More"))
    assert "Conditions in full (in Chinese): 新取得医疗器械注册证书" in more and "Ceiling: up to CNY 200,000,000 per company and year" in more


@pytest.mark.parametrize("said", ["what is 娄城贷?", "Is 昆科贷 still valid?", "can we get 国家集采中标资助", "tell me about 徐州 and IVD"])
def test_chinese_names_in_an_english_sentence_leave_it_english(knowledge: Knowledge, said: str) -> None:
    assert Talking(knowledge).say(said).state.language == "en"


@pytest.mark.parametrize("said", ["昆科贷", "FDA IND 获批了吗", "help 我想问补贴", "CRO CDMO 哪家好", "fda ind 获批了吗"])
def test_english_terms_in_a_chinese_sentence_leave_it_chinese(knowledge: Knowledge, said: str) -> None:
    assert Talking(knowledge).say(said).state.language == "zh"


def test_validity(talk: Talking) -> None:
    assert "The time limit (2021 to 2023) has passed." in heard(talk.send("!show:sz-procurement-win"))
    assert "The paper gives no period; whether this still applies today needs checking." in heard(talk.send("!show:ks-28"))


def test_a_miss(talk: Talking) -> None:
    words = [texts("en")(f"miss.{key}") for key in ("first", "out_of_scope", "not_in_documents")]
    said = heard(talk.say("zzz qqq xxx"))
    assert any(w in said for w in words)
    heard(talk.say("xxx qqq zzz"))
    assert {"Ask the team to check", "Talk to a person"} & {o.label for o in talk.options}


def through(talk: Talking, answers: dict[str, str], otherwise: str = "Not sure") -> str:
    """Answer the open dialog's questions by key until it ends; every turn is looked at."""
    for _ in range(60):
        if talk.asking is None:
            return heard(talk)
        heard(talk.say(answers.get(talk.asking, otherwise)))
    raise AssertionError("the dialog did not end")


def test_a_precheck(talk: Talking) -> None:
    talk.tap("Check subsidies").tap("Suzhou New District")
    said = through(talk, {"events": "new device certificate", "plans": "None", "products": "1", "product.1.class": "class III"})
    assert "Taken as" not in said
    assert said.startswith("Subsidy pre-check for Suzhou New District (as of 2026-11-22): Nothing is in force on that day. By the terms then, ")
    assert "· 第三类医疗器械注册证书资助 (Grant for class III device certificates): up to CNY 3,000,000" in said
    basis = heard(talk.tap("See every source"))
    assert "✓ new device certificate; ✓ class III" in basis
    assert "For an official to judge (in Chinese): " in heard(talk.tap(talk.options[0].label)) + basis


def test_a_choice_of_park(talk: Talking) -> None:
    talk.tap("Find a park")
    said = through(talk, {"segment": "in-vitro diagnostics", "region": "Taicang", "site_stage": "production", "needs": "testing"})
    assert said.startswith(
        "Look at 太仓生物港 (Taicang Biotech Harbour), 中德（太仓）生命健康产业园 (Sino-German Life and Health Industry Park, Taicang) first"
    )
    assert "\n(Weighed by: in-vitro diagnostics, Taicang, production, with 'testing'." in said
    assert ". 太仓生物港 (Taicang Biotech Harbour), Taicang\n   · focus on in-vitro diagnostics" in said
    assert "whether it suits production; is there testing" in said
    assert [o.label for o in talk.options][:2] == ["Side by side", "Why not others"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("why the first", "太仓生物港 (Taicang Biotech Harbour) is no. 1 (by in-vitro diagnostics"),
        ("why not 太仓市生物医药产业园", "is no. 3 of 3 that fit: its fields in the paper are less close to yours"),
        ("why not Kunshan", "lies in Kunshan, not in Taicang"),
        ("how about the third", "is no. 3 (by in-vitro diagnostics"),
        ("anything else?", "Nothing else fits."),
        ("compare the first and the third", "[Fields]"),
        ("is 太仓生物港 better than 苏州科技城", "first: its fields in the paper are closer to yours"),
    ],
)
def test_what_is_asked_of_a_shortlist_is_answered_in_english(talk: Talking, words: str, told: str) -> None:
    talk.tap("Find a park")
    through(talk, {"segment": "in-vitro diagnostics", "region": "Taicang", "site_stage": "production", "needs": "None"})
    said = heard(talk.say(words))
    assert told in said


def test_an_approval_route(talk: Talking) -> None:
    talk.tap("Find an approval route")
    said = through(talk, {"region": "Kunshan", "approval_matter": "drug or device review"})
    assert said.startswith("Kunshan, drug or device review:\n1. 国家药品、医疗器械审评中心常态化对接交流机制 (Regular exchange with the national")
    assert "\n   What it does (in Chinese): " in said and "Responsible: same as above" in said
    assert "(Suzhou level)" in said  # routes of the city hold in its districts


def test_a_sum_is_echoed_in_english(talk: Talking) -> None:
    talk.send("!start:subsidy_precheck").tap("Suzhou New District")
    for _ in range(20):
        if talk.asking == "project.investment":
            break
        talk.say({"plans": "industrial project", "events": "None", "project.kind": "medical device"}.get(talk.asking or "", "Not sure"))
    assert talk.asking == "project.investment"
    heard(talk.say("120,000,000 CNY"))
    talk.say("back")
    assert 'Your last answer was "CNY 120,000,000".' in heard(talk)
    assert "Keep: CNY 120,000,000" in [o.label for o in talk.options]


def test_a_registration_up_to_the_read_back(talk: Talking) -> None:
    heard(talk.send("!show:tc-loucheng-loan"))
    heard(talk.tap("Ask the team to check"))
    for answer in ("Acme Bio", "yes", "Ms Li", "13800001111"):
        heard(talk.say(answer))
    lines = heard(talk).split("\n")
    assert lines[:2] == [
        "Please check, then confirm:",
        "Matter: Please check: “娄城贷”贷款增信 (Credit enhancement through the Loucheng loan), Taicang",
    ]
    assert "Reach: 138****1111" in lines
    assert "Filed as {request}." in heard(talk.say("yes"))
    assert talk.filed[0].dossier["language"] == "en"


def test_a_chinese_company_does_not_make_the_talk_chinese(talk: Talking) -> None:
    talk.send("!log:tc-loucheng-loan")
    assert talk.asking == "contact.company"
    assert "Do you agree" in talk.say("苏州某某医疗有限公司").text
    assert "Your name, please?" in talk.say("I agree").text
    assert "A phone number or e-mail?" in talk.say("李女士").text
    talk.say("取消")
    assert talk.say("我们想查补贴").state.language == "zh"


# --- every way through the dialogs


@pytest.mark.parametrize("dialog", [d for d in DIALOGS if d not in ("request", "add_note")])
def test_every_outcome_is_told_in_english(knowledge: Knowledge, voice: Voice, dialog: str) -> None:
    told = 0
    for number, way in enumerate(walk(Stage(knowledge, TODAY).script(dialog), 300, {})):
        assert way.outcome is not None
        if number % 4:
            continue
        told += 1
        check(knowledge, reports.tell(voice, way.outcome, "1"), voice)
        if isinstance(way.outcome.data, Report):
            check(knowledge, [reports.basis(voice, way.outcome.data, "1", 0)], voice)
    assert told > 5
