"""Drawing: every picture is well-formed SVG that fits its card, and a PNG that our font alone draws, without a gap."""

from __future__ import annotations

import dataclasses
import itertools
import re
import struct
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dialogs import pictures
from dialogs.texts import LANGUAGES
from dialogs.turns import Library
from handlers import drawing
from handlers.drawing import FONT, KEPT, SIZES, WIDTH, Apart, Drawing, measure, to_png, wrap
from knowledge.snapshot import Knowledge

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parents[2]
SPEC = "layout/zh/taicang/tc-park-bioport"


@pytest.fixture(scope="module")
def drawn(knowledge: Knowledge) -> Drawing:
    return Drawing(Library(knowledge))


def specs(knowledge: Knowledge) -> list[str]:
    """Every region's layout, and every park beside its neighbours."""
    parks = list(knowledge.parks)
    layouts = [pictures.layout(language, region, parks[:3]) for region in knowledge.regions for language in LANGUAGES]
    trios = [parks[n : n + 3] for n in range(len(parks) - 2)]
    return layouts + [pictures.compare(language, trio, ["testing"]) for trio in trios for language in LANGUAGES]


def words(svg: bytes) -> str:
    return "".join("".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text"))


# -- SVG


def test_every_picture_is_well_formed_and_stays_on_its_card(drawn: Drawing, knowledge: Knowledge) -> None:
    for spec in specs(knowledge):
        svg = drawn.svg(spec)
        assert svg, spec
        root = ET.fromstring(svg)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        assert root.attrib["viewBox"] == f"0 0 {WIDTH} {root.attrib['height']}" and width == WIDTH
        for text in root.iter(f"{SVG}text"):
            size = SIZES[text.attrib["class"].split()[0]]
            assert float(text.attrib["y"]) < height
            assert float(text.attrib["x"]) + measure(text.text or "", size) <= width - drawing.MARGIN + 0.1, f"{spec}: {text.text}"
        for box in root.iter(f"{SVG}rect"):
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
            assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height and float(box.attrib["height"]) > 0


def test_a_picture_has_a_title_and_words_for_screen_readers_and_loads_nothing(drawn: Drawing) -> None:
    svg = drawn.svg(SPEC) or b""
    root = ET.fromstring(svg)
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and title.text == "太仓园区布局：一核两极"
    assert desc is not None and "太仓市生物医药产业园 医药合同服务外包、医疗器械、生物制药" in (desc.text or "") and "依据：《" in (desc.text or "")
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "desc", "style", "rect", "circle", "text", "tspan"}
    assert svg.count(b"http") == 1, "the name of SVG itself"


def test_a_match_is_said_in_words_and_not_by_its_colour_alone(drawn: Drawing) -> None:
    assert "★ 对得上您的条件" in words(drawn.svg(SPEC) or b"")
    assert "★" not in words(drawn.svg("layout/zh/taicang") or b"")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_on_every_ground(scheme: str) -> None:
    """Contrast of at least 4.5, as WCAG AA asks for small text."""
    light, _, dark = (drawing.FOLDER / "picture.svg").read_text(encoding="utf-8").partition("@media")
    colours = fills(light) | (fills(dark) if scheme == "dark" else {})
    for text, ground in itertools.product(("text", "title", "tier", "tag", "quiet", "state"), ("card", "box", "core", "match", "hint")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def fills(css: str) -> dict[str, str]:
    rules = re.findall(r"^([.\w, ]+) \{[^}]*?fill: (#\w{6})", css, re.MULTILINE)
    return {name.strip().lstrip("."): colour for names, colour in rules for name in names.split(",")}


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return sum(w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("name", ['<&"', "]]><script>alert(1)</script>", "x" * 56, "长" * 56, "\u202e倒"])
def test_a_name_is_only_ever_text(knowledge: Knowledge, name: str) -> None:
    park = knowledge.parks["tc-park-bio"].model_copy(update={"name": name})
    hostile = Drawing(Library(dataclasses.replace(knowledge, parks={**knowledge.parks, "tc-park-bio": park})))
    for spec in ("layout/zh/taicang", "compare/zh/tc-park-bio,tc-park-bioport"):
        svg = hostile.svg(spec) or b""
        assert name in words(svg)
        assert not list(ET.fromstring(svg).iter(f"{SVG}script"))
        assert to_png(svg.decode()).startswith(b"\x89PNG")


def test_what_is_no_picture_is_drawn_in_neither_form(drawn: Drawing) -> None:
    assert drawn.svg("layout/zh/nowhere") is None
    assert drawn.png("layout/zh/nowhere") is None


# -- lines


def test_lines_fit_and_lose_nothing() -> None:
    text = '第6项点名的三处特色专业园区（千灯精细材料产业园、IT&BT 融合创新中心）, Kunshan (China-Korea "Medical" Aesthetics) supercalifragilistic'
    for width in range(40, 400, 7):
        lines = wrap(text, width, 12.5)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(measure(line, 12.5) <= width or len(line) <= 8 for line in lines), (width, lines)


def test_no_line_begins_with_a_comma_or_ends_with_a_bracket() -> None:
    for width in range(92, 300, 3):  # the narrowest is a column of three
        lines = wrap("体外诊断、医学影像、“创新药”（再生医学材料等），高新区（太仓）；“一核”", width, 12.5)
        assert not [line for line in lines if line[0] in "、，；）”" or line[-1] in "（“"], width


def test_nothing_is_no_line() -> None:
    assert wrap("", 100, 12.5) == []
    assert wrap("  ", 100, 12.5) == []


# -- PNG


def test_a_png_is_the_same_each_time_and_three_times_as_wide(knowledge: Knowledge) -> None:
    first, second = (Drawing(Library(knowledge)).png(SPEC) for _ in range(2))
    assert first and first == second
    assert struct.unpack(">II", first[16:24])[0] == 3 * WIDTH


def test_a_png_may_be_rendered_in_a_process_of_its_own(knowledge: Knowledge) -> None:
    apart = Apart()
    try:
        assert Drawing(Library(knowledge), apart).png(SPEC) == Drawing(Library(knowledge)).png(SPEC)
    finally:
        apart.close()


def test_a_tall_png_is_no_taller_than_messengers_show(drawn: Drawing) -> None:
    width, height = struct.unpack(">II", (drawn.png("layout/zh/xuzhou") or b"")[16:24])
    assert height <= drawing.LARGEST + 1 and width >= WIDTH


def test_the_font_has_every_character_that_a_picture_may_show(knowledge: Knowledge, drawn: Drawing) -> None:
    """Else: `python docs/make_font.py` (docs/development.md)."""
    base = (ROOT / "knowledge" / "base").rglob("*.yaml")
    files = [*(p for p in base if p.parent.name != "intents"), *(ROOT / "dialogs" / "texts").glob("*.yaml")]  # people also write emoji
    written = {c for path in files for c in path.read_text(encoding="utf-8") if not c.isspace()}
    shown = {c for spec in specs(knowledge) for c in words(drawn.svg(spec) or b"") if not c.isspace()}
    font = characters(FONT)
    assert shown - font == set()
    assert written - font == set()


def test_a_png_is_drawn_with_our_font() -> None:
    """Without it, text would leave no trace: other fonts are not looked for."""
    plain, text = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>', '<text y="15" font-family="{}">太</text>'
    empty = to_png(plain.format(""))
    assert to_png(plain.format(text.format("Yuanqitong Sans"))) != empty
    assert to_png(plain.format(text.format("Noto Sans CJK SC"))) in (empty, to_png(plain.format(text.format("Yuanqitong Sans"))))


def test_the_font_has_a_name_of_its_own_and_keeps_its_notices() -> None:
    names = name_records(FONT)
    assert {names[n] for n in (1, 4)} == {"Yuanqitong Sans"} and names[6] == "YuanqitongSans-Regular"
    assert not [n for n in (1, 2, 3, 4, 6, 16, 17, 18, 21, 22) if "Noto" in names.get(n, "") or "Source" in names.get(n, "")]
    assert "Adobe" in names[0] and "SIL Open Font License" in names[13] and names[14].endswith("OFL")
    licence = FONT.with_name("OFL.txt").read_text(encoding="utf-8")
    assert names[0] in licence and names[7] in licence and "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert FONT.stat().st_size < 3_000_000


# -- what is kept


def test_a_picture_is_drawn_once_and_anew_when_the_knowledge_changes(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(knowledge)
    own, drawings = Drawing(library), itertools.count()
    real = own.draw
    monkeypatch.setattr(own, "draw", lambda picture: (next(drawings), real(picture))[1])
    first = own.svg(SPEC)
    assert own.svg(SPEC) is first and next(drawings) == 1
    park = knowledge.parks["tc-park-bioport"].model_copy(update={"name": "改名园"})
    library.knowledge = dataclasses.replace(knowledge, version="new", parks={**knowledge.parks, park.id: park})
    assert "改名园" in words(own.svg(SPEC) or b"")


def test_only_so_many_pictures_are_kept_and_the_last_used_stay(knowledge: Knowledge) -> None:
    own, few = Drawing(Library(knowledge)), list(itertools.islice(specs(knowledge), KEPT + 5))
    first = own.svg(few[0])
    for spec in few:
        own.svg(spec)
        assert own.svg(few[0]) is first
    assert len(own._kept) == KEPT


def test_threads_may_ask_at_once(knowledge: Knowledge) -> None:
    own, answers = Drawing(Library(knowledge)), list[bytes | None]()
    threads = [threading.Thread(target=lambda: answers.append(own.svg(SPEC))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1 and len(answers) == 8


# -- reading a font: as much of OpenType as these tests need


def tables(font: bytes) -> dict[str, int]:
    count = struct.unpack(">H", font[4:6])[0]
    rows = (struct.unpack(">4sIII", font[12 + 16 * n : 28 + 16 * n]) for n in range(count))
    return {tag.decode(): offset for tag, _, offset, _ in rows}


def characters(path: Path) -> set[str]:
    """The characters of a font's cmap, format 4, that have a glyph."""
    font = path.read_bytes()
    start = tables(font)["cmap"]
    found: set[str] = set()
    for n in range(struct.unpack(">H", font[start + 2 : start + 4])[0]):
        at = start + struct.unpack(">HHI", font[start + 4 + 8 * n : start + 12 + 8 * n])[2]
        kind, _, _, doubled = struct.unpack(">HHHH", font[at : at + 8])
        assert kind == 4
        count = doubled // 2
        fields = [
            struct.unpack(f">{count}H", font[at + 14 + skip : at + 14 + skip + doubled])
            for skip in (0, doubled + 2, 2 * doubled + 2, 3 * doubled + 2)
        ]
        for segment, (last, first, delta, jump) in enumerate(zip(*fields, strict=True)):
            for code in range(first, min(last, 0xFFFE) + 1):
                place = at + 16 + 3 * doubled + 2 * segment + jump + 2 * (code - first)
                glyph = code + delta if jump == 0 else struct.unpack(">H", font[place : place + 2])[0]
                found |= {chr(code)} if glyph % 65536 else set()
    return found


def name_records(path: Path) -> dict[int, str]:
    font = path.read_bytes()
    start = tables(font)["name"]
    _, count, strings = struct.unpack(">HHH", font[start : start + 6])
    rows = (struct.unpack(">HHHHHH", font[start + 6 + 12 * n : start + 18 + 12 * n]) for n in range(count))
    return {name: font[start + strings + at : start + strings + at + length].decode("utf-16-be") for _, _, _, name, length, at in rows}


def test_what_is_the_same_of_all_parks_is_drawn_once(drawn: Drawing) -> None:
    told = words(drawn.svg("compare/zh/tc-park-bio,tc-park-bioport/clinical") or b"")
    assert "都一样：太仓" in told
    assert told.count("药监局备案") == 1


def test_a_listed_park_that_lacks_a_must_have_has_no_star(drawn: Drawing) -> None:
    told = words(drawn.svg("layout/zh/taicang/~tc-park-bioport") or b"")
    assert "在名单里" in told
    assert "★" not in told
