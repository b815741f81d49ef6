"""登记请求: what a person needs to know to follow a matter up, read back before it is filed."""

from __future__ import annotations

from dataclasses import replace

from dialogs.script import SKIPPED, Outcome, Pick, Private, Script, ask
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge

FILE = "file"
CONTACT = ("contact.name", "contact.reach")
AGREED = ("yes", "page")
"""Answers of those who consent: in the chat, or on the page where they leave their contact."""
_HERE = (("yes", Words(zh="同意", en="I agree")), ("no", Words(zh="不同意", en="No")))
_PAGE = (("page", Words(zh="已在页面上同意", en="Agreed on the page")), ("no", Words(zh="只在这里联系我", en="Only answer me here")))


def request(knowledge: Knowledge, private: Private = "here") -> Script:
    """Ask for the matter and, with consent, for the contact; file only after everything was read back and confirmed.

    Who does not consent is answered in the chat, and so is everybody where nothing private may be asked for. What a page of ours asks for is
    only taken here.
    """
    facts, contact = knowledge.facts, dict[str, str]()
    after = {"here": 3, "page": 1, "nowhere": 0}[private]
    matter = yield from ask(facts["matter"], remaining=after + 2)
    company = yield from ask(facts["contact.company"], remaining=after + 1)
    options, buttons = (_HERE, ("yes", "no")) if private == "here" else (_PAGE, ("no",))
    consent = "no"
    if private != "nowhere":
        consent = yield from Pick("contact.consent", facts["contact.consent"], remaining=after, options=options, buttons=buttons)
    for left, key in enumerate(CONTACT if consent in AGREED else ()):
        question = ask(facts[key], remaining=2 - left)
        value = yield from (question if private == "here" else replace(question, default=SKIPPED))
        if value is not SKIPPED:
            contact[key] = value
    yield from Pick("confirm", facts["confirm"], options=((FILE, Words(zh="确认登记", en="File it")),))
    return Outcome("request.filed", {"matter": matter, "contact.company": company, **contact})


def add_note(knowledge: Knowledge) -> Script:
    """Ask for something to add to a request that is already filed."""
    note = yield from ask(knowledge.facts["note"])
    return Outcome("request.note", note)
