"""The question that most dialogs begin with: which region?"""

from __future__ import annotations

from dialogs.script import Pick
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge

ANY = "any"
ENGLISH = {
    "suzhou": "Suzhou 苏州",
    "taicang": "Taicang 太仓",
    "snd": "Suzhou New District 苏州高新区",
    "kunshan": "Kunshan 昆山",
    "xuzhou": "Xuzhou 徐州",
}


def region_question(knowledge: Knowledge, anywhere: bool = False) -> Pick:
    """Ask for the region; with `anywhere`, any will do (token `any`)."""
    options = tuple((r.id, Words(zh=r.name, en=ENGLISH.get(r.id, r.name))) for r in knowledge.regions.values())
    if anywhere:
        options = (*options, (ANY, Words(zh="都可以", en="Anywhere")))
    return Pick("region", knowledge.facts["region"], options=options)
