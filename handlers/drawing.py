"""Drawing pictures: a spec (`dialogs/pictures.py`) → SVG by one template → PNG by resvg, with a font of our own and no other.

SVG has no line breaks, so that text is measured and set here. A channel takes the form that it can show: the web chat SVG, which
follows the reader's light or dark screen, messengers PNG, on its own light card. Both come out the same on every machine.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread

import resvg_py
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dialogs.pictures import Box, Diagram, Row, Table, Tier, told
from dialogs.turns import Library

FOLDER = Path(__file__).parent / "drawing"
FONT = FOLDER / "YuanqitongSans-Regular.otf"
WIDTH, MARGIN, GAP, PAD = 320, 14, 8, 8
"""Units are CSS pixels on a phone: the page's edge, between boxes, within a box."""
RAIL = 12
"""Room for the line that joins the tiers of a layout."""
SIZES = {"title": 17.0, "tier": 14.0, "name": 13.5, "text": 12.5, "small": 11.5}
"""Font sizes by style; a line is 1.4 times as high."""
LEADING = 1.4
ZOOM, LARGEST = 3.0, 2500
"""A PNG has three pixels a unit, as phones do, unless it were higher than messengers show without shrinking it."""
KEPT = 64
"""How many drawn pictures are kept."""
_NEVER_FIRST, _NEVER_LAST = "，。、；：？！）》”’」】,.;:?!)]…", "（《“‘「【(["
_WIDTHS = (("iljtfrI .,:;!'|", 0.33), ('()[]-/"', 0.4), ("mwMW@%&", 0.95), ("ABCDEFGHJKLNOPQRSTUVXYZ", 0.66))
"""How wide Latin characters are, in parts of the font's size; the others 0.6, Chinese ones 1."""
_PIECES = re.compile(r"（[^（）]{1,6}）|[^\W\u2e80-\uffff]+[^\s\w\u2e80-\uffff]*|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mark:
    """An element of the SVG: its tag, its styles, its attributes, its text, and a remark that follows the text."""

    tag: str
    style: str
    place: Mapping[str, float]
    text: str = ""
    remark: str = ""


@dataclass
class Sheet:
    """A column of a picture in the making: what was put on it, and how far down it has come."""

    x: float
    width: float
    y: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """The texts as they were before they were set in lines."""

    def write(self, text: str, size: str, colour: str = "", tag: str = "") -> None:
        """Set a text in lines, and a short `tag` behind its end or below."""
        self.said += [words for words in (text, tag) if words]
        lines = wrap(text, self.width, SIZES[size])
        room = self.width - measure(f"  {tag}", SIZES["small"])
        beside = bool(tag) and bool(lines) and measure(lines[-1], SIZES[size]) <= room
        for number, line in enumerate(lines, 1):
            self._put(line, size, colour, tag if beside and number == len(lines) else "")
        if tag and not beside:
            self._put("", "small", "", tag)

    def _put(self, text: str, size: str, colour: str, tag: str) -> None:
        self.y += SIZES[size] * LEADING
        baseline = self.y - SIZES[size] * (LEADING - 1) * 0.9
        self.marks.append(Mark("text", f"{size} {colour}".strip(), {"x": round(self.x, 1), "y": round(baseline, 1)}, text, tag))

    def frame(self, style: str, top: float, height: float, behind: bool = True) -> None:
        """Put a rectangle of the sheet's width, under what stands there."""
        place = {"x": self.x, "y": round(top, 1), "width": round(self.width, 1), "height": round(height, 1), "rx": 8.0}
        self.marks.insert(0 if behind else len(self.marks), Mark("rect", style, place))

    def take(self, other: Sheet) -> None:
        """Put on this sheet what stands on another."""
        self.marks += other.marks
        self.said += other.said


class Drawing:
    """Draws the pictures of the knowledge in use, and keeps the last ones. Safe to use from several threads; one draws at a time."""

    def __init__(self, library: Library, render: Callable[[str], bytes] | None = None) -> None:
        """`render`: SVG → PNG; in this process where none is given."""
        self._library, self._render, self._lock = library, render or to_png, Lock()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("picture.svg")

    def svg(self, spec: str) -> bytes | None:
        """The picture as SVG in UTF-8; None where the knowledge in use has no such picture."""
        return self._drawn(spec, "svg", str.encode)

    def png(self, spec: str) -> bytes | None:
        """The picture as PNG; None where the knowledge in use has no such picture."""
        return self._drawn(spec, "png", self._render)

    def _drawn(self, spec: str, form: str, finish: Callable[[str], bytes]) -> bytes | None:
        with self._lock:
            knowledge = self._library.knowledge
            key = (knowledge.version, spec, form)
            if key not in self._kept:
                if (picture := told(knowledge, spec)) is None:
                    return None
                self._kept[key] = finish(self.draw(picture))
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def draw(self, picture: Diagram | Table) -> str:
        """A picture as SVG."""
        sheet = Sheet(MARGIN, WIDTH - 2 * MARGIN, MARGIN - 4)
        sheet.write(picture.title, "title", "title")
        if isinstance(picture, Diagram):
            _diagram(sheet, picture)
        else:
            _table(sheet, picture)
        sheet.y += GAP
        for line in (*picture.notes, *picture.sources):
            sheet.write(line, "small", "quiet")
        height = round(sheet.y + MARGIN)
        card = Mark("rect", "card", {"x": 0.5, "y": 0.5, "width": WIDTH - 1, "height": height - 1, "rx": 12})
        return self._template.render(
            width=WIDTH,
            height=height,
            language=picture.language,
            title=picture.title,
            words=" ".join(sheet.said),
            sizes=SIZES,
            marks=[card, *sheet.marks],
        )


class Apart:
    """Renders PNGs in a process of its own, begun with the first: the library holds the interpreter while it draws, and every talk would wait."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, svg: str) -> bytes:
        """The PNG of an SVG of ours."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _end_with_the_program)
        try:
            return self._pool.submit(to_png, svg).result()
        except BrokenProcessPool:
            self.close()  # the next one gets a new process
            raise

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _end_with_the_program() -> None:
    """The process that draws waits for work for ever, and would outlive a program that is killed."""

    def watch() -> None:
        if program := multiprocessing.parent_process():
            program.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def to_png(svg: str) -> bytes:
    """An SVG of ours as PNG, drawn with our font and no other."""
    height = int(re.search(r'height="(\d+)"', svg)[1])  # type: ignore[index]
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        background="#ffffff",  # messengers make it a JPEG, which has no see-through corners
        zoom=min(ZOOM, LARGEST / height),
        skip_system_fonts=True,
        font_files=[str(FONT)],
    )


def _diagram(sheet: Sheet, picture: Diagram) -> None:
    """Tiers from top to bottom, joined by a line as far as the paper gives them a role."""
    if picture.gloss:
        sheet.write(picture.gloss, "small", "quiet")
    stops: list[float] = []
    for tier in picture.tiers:
        sheet.y += GAP
        inner = Sheet(sheet.x + RAIL, sheet.width - RAIL, sheet.y)
        if not tier.apart:
            stops.append(sheet.y + SIZES["tier"] * LEADING * 0.55)
        _tier(inner, tier, picture.meets, narrow=picture.language == "zh")  # names with a gloss are long
        sheet.take(inner)
        sheet.y = inner.y
    if stops:
        x = sheet.x + 2
        ends = {"x": x - 0.5, "y": round(stops[0], 1), "width": 1.0, "height": round(stops[-1] - stops[0], 1)}
        sheet.marks += [Mark("rect", "rail", ends), *(Mark("circle", "rail", {"cx": x, "cy": round(y, 1), "r": 4}) for y in stops)]


def _tier(sheet: Sheet, tier: Tier, meets: str, narrow: bool) -> None:
    """A title, and boxes in one or two columns; a dashed box where nobody knows which they are."""
    sheet.write(tier.title, "tier", "tier")
    if tier.note and tier.boxes:
        sheet.write(tier.note, "small", "quiet")
    sheet.y += 4
    if not tier.boxes:
        inner = Sheet(sheet.x + PAD, sheet.width - 2 * PAD, sheet.y + 4)
        inner.write(tier.note, "text", "quiet")
        sheet.frame("open", sheet.y, inner.y + 6 - sheet.y)
        sheet.take(inner)
        sheet.y = inner.y + 6
        return
    columns = 2 if narrow and len(tier.boxes) > 1 else 1
    tops, half = [sheet.y] * columns, (sheet.width - GAP * (columns - 1)) / columns
    for number, box in enumerate(tier.boxes, 1):
        column = tops.index(min(tops))
        alone = number == len(tier.boxes) and len(set(tops)) == 1  # the last one, with nothing beside it
        outer = Sheet(sheet.x if alone else sheet.x + column * (half + GAP), sheet.width if alone else half)
        inner = _box(Sheet(outer.x + PAD, outer.width - 2 * PAD, tops[column] + 4), box)
        style = "match" if _any_meets(box, meets) else "open" if tier.apart else "core" if len(tier.boxes) == 1 else "box"
        outer.frame(style, tops[column], inner.y + 7 - tops[column])
        sheet.take(outer)
        sheet.take(inner)
        tops[column] = inner.y + 7 + GAP
    sheet.y = max(tops) - GAP


def _any_meets(box: Box, meets: str) -> bool:
    return meets in (box.mark, *(b.mark for b in box.within))


def _box(sheet: Sheet, box: Box) -> Sheet:
    """A park, and the sites within it."""
    if box.mark:
        sheet.write(box.mark, "small", "tag")
    sheet.write(box.name, "name", tag=box.status)
    if box.role:
        sheet.write(box.role, "small", "quiet")
    if box.focus:
        sheet.write(box.focus, "text", "quiet")
    for site in box.within:
        sheet.y += 5
        inner = Sheet(sheet.x + PAD, sheet.width - PAD, sheet.y)
        _box(inner, site)
        sheet.marks.append(Mark("rect", "rail", {"x": sheet.x, "y": round(sheet.y + 3, 1), "width": 1, "height": round(inner.y - sheet.y - 3, 1)}))
        sheet.take(inner)
        sheet.y = inner.y
    return sheet


def _table(sheet: Sheet, picture: Table) -> None:
    """The parks' names, and for each point a band with its label above a cell a park."""
    sheet.y += 4
    _cells(sheet, [(head, "name", "tag") for head in picture.heads])
    for row in picture.rows:
        sheet.y += GAP
        _band(sheet, row, picture.asked)
        cells = [(c.text, "text", "" if c.known else "quiet") for c in row.cells]
        if len(set(cells)) == 1:
            cells = [(picture.alike + cells[0][0], *cells[0][1:])]
        _cells(sheet, cells)


def _band(sheet: Sheet, row: Row, asked: str) -> None:
    top = sheet.y
    inner = Sheet(sheet.x + 6, sheet.width - 12, top + 1)
    inner.write(f"{row.label} · ★ {asked}" if row.asked else row.label, "small", "tag")
    sheet.frame("hint", top, inner.y + 2 - top, behind=False)
    sheet.take(inner)
    sheet.y = inner.y + 4


def _cells(sheet: Sheet, cells: Sequence[tuple[str, str, str]]) -> None:
    """Texts side by side, each with its size and colour."""
    width = (sheet.width - GAP * (len(cells) - 1)) / len(cells)
    columns = []
    for number, (text, size, colour) in enumerate(cells):
        column = Sheet(sheet.x + number * (width + GAP), width, sheet.y)
        column.write(text, size, colour)
        sheet.take(column)
        columns.append(column)
    sheet.y = max(column.y for column in columns)


def measure(text: str, size: float) -> float:
    """About how wide a text is; rather too wide than too narrow, since browsers draw with fonts of their own."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or character in "“”‘’…·★—":
        return 1.0
    return next((width for characters, width in _WIDTHS if character in characters), 0.6)


def wrap(text: str, width: float, size: float) -> list[str]:
    """A text in lines: broken between Chinese characters or at spaces, no line begins with a comma or ends with a bracket."""
    lines, line = list[str](), ""
    for piece in _unbroken(text):
        if measure((line + piece).rstrip(), size) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = piece.lstrip()
        while measure(line, size) > width and len(line) > 1:  # a word longer than a line
            fits = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or measure(line[:n], size) <= width)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()] if line.strip() else lines


def _unbroken(text: str) -> list[str]:
    """The pieces of a text between which a line may end."""
    pieces: list[str] = []
    for piece in _PIECES.findall(text):
        closes = piece == '"' and bool(pieces) and pieces[-1][-1] not in " ("
        if pieces and (closes or piece[0] in _NEVER_FIRST or pieces[-1][-1] in _NEVER_LAST or pieces[-1] == '"'):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
