"""What is said where a message was not understood, or could be understood in two ways: the nearest reading, what can be asked, then a person."""

from __future__ import annotations

from dataclasses import replace

from dialogs import asking, frames, mentioned, moves, phrases, reading
from dialogs.answers import MAX_OPTIONS, cut
from dialogs.messages import Option, masked
from dialogs.talk import Talk, Unanswered

_REST = 6
"""A message with no more than this beside the values in it only tells facts."""
_KNOWN = ("region", "segment", "stage", "events")


def ask_between(talk: Talk) -> bool:
    """Ask which of two or three wishes is meant, where the words hang between them."""
    if not (between := talk.wants.between):
        return False
    talk.state = replace(talk.state, pending=masked(talk.text))
    labels = [talk.knowledge.intents[name].label[talk.say.language] for name in between]
    options = tuple(Option(label, f"!wish:{name}") for label, name in zip(labels, between, strict=True))
    person = () if "request_human" in between else (Option(talk.say("common.human"), "!human"),)
    talk.speak(talk.say("miss.between"), (*options, *person))
    return True


def miss(talk: Talk, interrupted: bool, key: str = "") -> None:
    """Not understood: say what can be taken; the second time, a person. A question that was understood but has no record says so."""
    misses, talk.missed = talk.state.misses + 1, True
    talk.state = replace(talk.state, misses=misses, subject="?")
    form_open = talk.state.top is not None and talk.state.top.dialog not in frames.GUIDED
    if (said := masked(talk.message.text or talk.text).strip()[:200]) and not form_open:
        talk.effects.append(Unanswered(said))
    talk.free = talk.free and not form_open
    question = talk.asking()
    if question is not None and interrupted and misses < 2:
        hint = {"Amount": "hint_money", "Flag": "hint_flag", "Number": "hint_number", "Items": "hint_number"}.get(
            type(question).__name__, "hint_choice"
        )
        talk.speak(talk.say("dialog.cannot_read", hint=talk.say(f"dialog.{hint}")))
        asking.ask(talk)
    elif (
        not key
        and misses < 2
        and len(reading.rest_of(talk.text, talk.found)) <= _REST
        and (known := {k: v for k, v in mentioned.facts_in(talk.found, talk.knowledge, talk.text).items() if k in _KNOWN})
    ):
        talk.state = replace(talk.state, profile={**talk.state.profile, **{k: v for k, v in known.items() if k in ("region", "segment", "stage")}})
        talk.speak(talk.say("miss.facts_only", facts=talk.say.join([asking.fact_label(talk, k, v) for k, v in known.items()])), moves.starts(talk))
    elif misses >= 2:
        talk.speak(
            talk.say("miss.second", words=cut(masked(talk.message.text or talk.text).strip(), 60)),
            (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1]),
        )
    elif key or not phrases.is_question(talk.text):
        near = bool(talk.found) or phrases.is_question(talk.text)
        options = (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1]) if key and near else moves.starts(talk)
        talk.speak(talk.say(key or "miss.first"), options)
    else:
        talk.speak(talk.say("miss.not_in_documents"), (talk.voice.log("words"), *moves.starts(talk)[: MAX_OPTIONS - 1]))
