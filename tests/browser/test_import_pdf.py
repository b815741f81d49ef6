"""A policy paper as a real PDF, set by a real browser: its sections and figures are found as in the text file."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from playwright.async_api import Browser

from knowledge.figures import Papers, citations, strange
from knowledge.importing import lines_of, passages, recognised
from knowledge.snapshot import Knowledge
from tests.knowledge import papers

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.usefixtures("policies")]


@pytest.mark.parametrize("document", ["taicang-2025", "suzhou-2021", "snd-2020", "xuzhou-2021"])
async def test_a_pdf_has_the_sections_and_figures_of_the_paper(browser: Browser, knowledge: Knowledge, tmp_path: Path, document: str) -> None:
    body = "".join(f"<p>{html.escape(line.strip())}</p>" for line in lines_of(papers.FOLDER / papers.FILES[document]) if line.strip())
    page = await browser.new_page()
    await page.set_content(f"<meta charset=utf-8><style>body {{ font: 12pt/1.6 sans-serif }} p {{ margin: 0 }}</style>{body}")
    await page.pdf(
        path=tmp_path / "paper.pdf",
        format="A4",
        display_header_footer=True,
        footer_template="<i style='font-size:9px'>— <b class=pageNumber></b> —</i>",
    )
    lines = lines_of(tmp_path / "paper.pdf")
    assert recognised(lines, tuple(knowledge.documents.values())) is knowledge.documents[document]
    found = passages(lines, knowledge.documents[document])
    wanted = {p.section for p in papers.passages(document) if not p.section.startswith("附件")}
    assert wanted - {p.section for p in found} == set()
    held = Papers({p.key: p for p in found})
    records = [
        r for r in knowledge.answerable() if {c.document for c in citations(r)} == {document} and not any("附件" in c.section for c in citations(r))
    ]
    assert len(records) > 50
    assert {r.id: list(strange(r, held)) for r in records if list(strange(r, held))} == {}
