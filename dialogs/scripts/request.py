"""登记请求: what a person needs to know to follow a matter up, read back before it is filed."""

from __future__ import annotations

from dialogs.script import Outcome, Pick, Script, ask
from knowledge.shapes import Words
from knowledge.snapshot import Knowledge

FILE = "file"


def request(knowledge: Knowledge) -> Script:
    """Ask for the matter, the contact and consent; file only after everything was read back and confirmed."""
    facts = knowledge.facts
    matter = yield from ask(facts["matter"], remaining=5)
    company = yield from ask(facts["contact.company"], remaining=4)
    name = yield from ask(facts["contact.name"], remaining=3)
    reach = yield from ask(facts["contact.reach"], remaining=2)
    consent = yield from Pick(
        "contact.consent", facts["contact.consent"], options=(("yes", Words(zh="同意", en="Yes")), ("no", Words(zh="不同意", en="No")))
    )
    if consent != "yes":
        return Outcome("request.declined")
    yield from Pick("confirm", facts["confirm"], options=((FILE, Words(zh="确认登记", en="File it")),))
    return Outcome("request.filed", {"matter": matter, "contact.company": company, "contact.name": name, "contact.reach": reach})


def add_note(knowledge: Knowledge) -> Script:
    """Ask for something to add to a request that is already filed."""
    note = yield from ask(knowledge.facts["note"])
    return Outcome("request.note", note)
