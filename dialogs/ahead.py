"""Answers given ahead: what a message says beside the open question, and whether it may be used."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialogs import clashes, frames, mentioned, phrases, products, reading
from dialogs.pointing import named
from dialogs.script import NONE, UNKNOWN
from dialogs.talk import Talk
from knowledge.values import Found, normalise


def passing(talk: Talk) -> dict[str, str]:
    """Answers that the message gives in passing, by question key; 产品2是二类 speaks of the second product."""
    given = mentioned.facts_in(talk.found, talk.knowledge, talk.text) | _projects(talk)
    number = item(talk)
    if number or (phrases.is_correction(talk.text) and not given):
        found, text = right(talk)
        given = mentioned.facts_in(found, talk.knowledge, text)
    if number:
        given = {k.replace("product.1.", f"product.{number}."): v for k, v in given.items() if k != "products"}
    listed = products.ids(talk.state.top)
    only = number or (listed[0] if len(listed) == 1 else "")
    flags = {
        k.replace("product.", f"product.{only}."): v for k, v in mentioned.flags_in(talk.text, talk.knowledge).items() if only or "product." not in k
    }
    return {**flags, **given}


def _projects(talk: Talk) -> dict[str, str]:
    """The science project that a message says to be undertaken, beside what was said of plans before."""
    said, top = reading.projects_in(talk.text), talk.state.top
    before = top.answers.get("plans", NONE).split(",") if top is not None else []
    return {k: ",".join(dict.fromkeys([*(t for t in before if t not in (NONE, UNKNOWN)), v])) for k, v in said.items()}


def right(talk: Talk) -> tuple[tuple[Found, ...], str]:
    """What a correction says to be right, and the values in it (不对，产品2是二类 → 二类)."""
    text = phrases.after_correction(products.unnamed(talk.text))
    return talk.knowledge.vocabulary.read(text, talk.stage.today), text


def item(talk: Talk) -> str:
    """The number of the product that a message names, or ""."""
    return named(talk.text, products.ids(talk.state.top))


def beside(talk: Talk, given: Mapping[str, str], asked: str) -> dict[str, str]:
    """What is heard beside the open question and may be used; to what was chosen ahead it is added, and to an answer only what can't be beside it."""
    top, later = talk.state.top, dict[str, str]()
    for key, token in given.items():
        fact, before = talk.knowledge.facts.get(key), (top.answers.get(key, "") if top else "")
        if key != asked and fact is not None and fact.type == "choices" and before not in ("", NONE, UNKNOWN):
            chosen = {*before.split(","), *token.split(",")}
            token = ",".join(o.token for o in fact.options if o.token in chosen)
            if usable(talk, key, asked) or clashes.would(talk, {key: token}):
                later[key] = token
        elif usable(talk, key, asked):
            later[key] = token
    return later


def usable(talk: Talk, key: str, asked: str) -> bool:
    """Whether a fact heard in passing may be used: not the one asked for, and not yet answered on the trail."""
    top = talk.state.top
    return key != asked and top is not None and top.dialog in frames.GUIDED and key not in top.trail


def called(talk: Talk, asked: str) -> dict[str, str]:
    """The answer to another question of a pre-check whose label or alias is the whole message (新取得医疗器械注册证), where it is that of one only."""
    top = talk.state.top
    agenda = talk.knowledge.agendas.get(top.answers.get("region", "")) if top is not None and top.dialog == "subsidy_precheck" else None
    if agenda is None:
        return {}
    said, meant = phrases.bare(talk.text), list[tuple[str, str]]()
    for key in agenda.on:
        fact = talk.knowledge.facts[key]
        for option in fact.options if fact.scope != "product" else ():
            names = (option.label.zh, option.label.en, re.sub(r"（.*?）|\(.*?\)", "", option.label.zh), *option.aliases)
            meant += [(key, option.token)] if option.token != "other" and any(said == normalise(n) for n in names) else []
    if len(meant) > 1:  # some label is that of several questions: the one whose choice some support looks at
        meant = [(key, token) for key, token in meant if token in agenda.choices.get(key, (token,))]
    if len(meant) != 1 or meant[0][0] == asked:
        return {}
    (key, token), before = meant[0], top.answers.get(meant[0][0], "") if top is not None else ""
    fact = talk.knowledge.facts[key]
    if fact.type == "choices" and before not in ("", NONE, UNKNOWN):
        chosen = {*before.split(","), token}
        return {key: ",".join(o.token for o in fact.options if o.token in chosen)}
    return {key: token} if usable(talk, key, asked) else {}
