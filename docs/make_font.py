"""Writes handlers/drawing/YuanqitongSans-Regular.otf: the characters that pictures need, cut from Noto Sans CJK SC and renamed.

A development tool: needs fontTools and Debian's fonts-noto-cjk, neither of which the program needs. Run it when the knowledge base has
a character that the font lacks (a test says so).
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).parent.parent
NOTO = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FONT = ROOT / "handlers" / "drawing" / "YuanqitongSans-Regular.otf"
FAMILY, POSTSCRIPT = "Yuanqitong Sans", "YuanqitongSans-Regular"
KEPT = {0, 5, 7, 8, 9, 11, 13, 14}
"""Name records that stay as they are: copyright, version, trademark, makers, licence and its address. The others name the font."""


def characters() -> set[int]:
    """GB2312, Latin-1, CJK punctuation and full-width forms, and whatever the knowledge base and the texts hold besides."""
    gb2312 = {chr(c) for c in range(0x80, 0xFFFF) if _is_gb2312(chr(c))}
    ranges = (range(0x20, 0x7F), range(0xA0, 0x100), range(0x2010, 0x2028), range(0x3000, 0x3020), range(0xFF01, 0xFF5F))
    files = [*(ROOT / "knowledge" / "base").rglob("*.yaml"), *(ROOT / "dialogs" / "texts").glob("*.yaml")]
    written = {c for path in files for c in path.read_text(encoding="utf-8") if c.isprintable()}
    return {ord(c) for c in gb2312 | written} | {c for r in ranges for c in r} | {ord("…"), ord("★")}


def _is_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def cut(font: TTFont) -> None:
    """Leave the characters' outlines and widths, and nothing that only layout engines and hinters read."""
    options = Options(
        hinting=False,
        desubroutinize=False,
        layout_features=[],
        drop_tables=[*Options().drop_tables, "BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"],
        name_IDs=["*"],
        name_languages=[0x409],
        notdef_outline=True,
    )
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)


def rename(font: TTFont) -> None:
    """Give it a name of its own: the licence reserves the name of the original for the original."""
    names = font["name"]
    names.names = [n for n in names.names if n.nameID in KEPT]
    for name, text in ((1, FAMILY), (2, "Regular"), (3, POSTSCRIPT), (4, FAMILY), (6, POSTSCRIPT)):
        names.setName(text, name, 3, 1, 0x409)
    table = font["CFF "].cff
    table.fontNames = [POSTSCRIPT]
    top = table.topDictIndex[0]
    top.FullName, top.FamilyName = FAMILY, FAMILY
    for number, part in enumerate(getattr(top, "FDArray", ())):
        part.FontName = f"{POSTSCRIPT}-{number}"


def main() -> None:
    """Make the font and say how big it is and what the original does not draw."""
    face = next(f for f in TTCollection(NOTO).fonts if f["name"].getDebugName(6) == "NotoSansCJKsc-Regular")
    lacking = {c for c in characters() if c not in face.getBestCmap() and not 0x80 <= c < 0xA0}
    cut(face)
    rename(face)
    face["head"].modified = face["head"].created  # the same input makes the same file
    face.recalcTimestamp = False
    FONT.parent.mkdir(exist_ok=True)
    face.save(FONT)
    print(f"{FONT.relative_to(ROOT)}: {len(face.getBestCmap())} characters, {FONT.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
    if lacking:
        print("not in the original: " + " ".join(f"U+{c:04X}" for c in sorted(lacking)), file=sys.stderr)


if __name__ == "__main__":
    main()
