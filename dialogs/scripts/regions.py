"""The question that most dialogs begin with: which region?"""

from __future__ import annotations

from dialogs.script import Pick, Places
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge

ANY = "any"


def region_question(knowledge: Knowledge, anywhere: bool = False) -> Pick:
    """Ask for the region; with `anywhere`, any will do (token `any`), and several may be named at once."""
    options = tuple((r.id, Words(zh=r.name, en=r.en)) for r in knowledge.regions.values())
    if anywhere:
        options = (*options, (ANY, Words(zh="都可以", en="Anywhere")))
    return (Places if anywhere else Pick)("region", knowledge.facts["region"], options=options)
