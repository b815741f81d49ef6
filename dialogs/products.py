"""A message that changes a list of products: which of them it speaks of, how many there are of a class, which are gone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dialogs import asking, frames, mentioned, phrases, pointing, proceeding
from dialogs.answers import fit
from dialogs.conversation import Frame
from dialogs.messages import Option
from dialogs.pointing import Pointed
from dialogs.script import MAX_ITEMS, NONE, BadTokenError
from dialogs.script import ask as question_of
from dialogs.talk import Talk
from knowledge.rules import generic
from knowledge.values import read_number

_LESS = re.compile(r"去掉|删掉?|多(?:算|写|说|填)?了")
_ONLY = re.compile(r"只有|其实|一共|总共|就(?=[1-9一两二三四五六七八九]\s?[个款张])|\b(?:only|in total)\b")
_MORE = re.compile(r"再加|加上|还有|漏了|漏掉|少算了|忘了|\b(?:another|one more)\b")
_EVERY = re.compile(r"[都全]部?(?:是|有(?!哪|什|多|几)|没有|不是|不?在)|\b(?:both|all) (?:are|of them)\b")
_DENIED = re.compile(r"不是第?[一二三123i]{1,3}类的?(?:证|器械|产品)?")
_NOT_SO_MANY = re.compile(r"不是\s?[1-9一两二三四五六七八九]\s?[个款张][,，]?而?")
_TOLD = ("type", "class", "drug_class", "phase", "year")
"""The facts by which a product is told."""
_CLASS = ("class", "drug_class")

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Which:
    """That it is not clear which product is meant: what to ask, and the answers that each button would give."""

    text: str
    options: tuple[Option, ...]


def ids(frame: Frame | None) -> list[str]:
    """The products of a pre-check, by their stable ids."""
    listed = frame.answers.get("products", "").split(",") if frame is not None and frame.dialog == "subsidy_precheck" else []
    return [i for i in listed if i.isdigit()]


def unnamed(text: str) -> str:
    """A message without the numbers of products and the classes that it denies (产品2是二类不是三类 → 二类)."""
    return _DENIED.sub("", pointing.unnamed(text))


def changed(talk: Talk) -> bool:
    """Change the list of products of the top dialog as the message says, or ask which of them it means; False where it says nothing of them."""
    said = change(talk, talk.state.top) if talk.state.top is not None else None
    if isinstance(said, Which):
        talk.speak(said.text, said.options)
        if not said.options:
            asking.ask(talk)
    elif said is not None:
        amend(talk, said)
    return said is not None


def amend(talk: Talk, given: Mapping[str, str]) -> None:
    """Set answers of the list of products, tell it anew, and go on; what was not answered before, or is the same, is only noted."""
    before = talk.state.frames[-1].answers
    talk.state = replace(frames.answer(talk.state, talk.stage, given), misses=0)
    words = told(talk, talk.state.frames[-1], given)
    anew = any(k in before and before[k] != v for k, v in given.items())
    talk.speak(talk.say("dialog.changed", label=words) if anew else talk.say("dialog.noted", facts=words))
    proceeding.proceed(talk)


def change(talk: Talk, frame: Frame) -> Mapping[str, str] | Which | None:
    """The answers that a message changes in a pre-check's list of products, asked first where none would be left; None where it does not speak of that."""
    meant = _change(talk, frame)
    if isinstance(meant, Mapping) and meant.get("products") == NONE:
        choices = ((talk.say("dialog.drop"), NONE), (talk.say("dialog.keep"), frame.answers["products"]))
        return Which(talk.say("dialog.none_left"), tuple(Option(label, fit(f"!set:{frame.run}.products={token}")) for label, token in choices))
    return meant


def _change(talk: Talk, frame: Frame) -> Mapping[str, str] | Which | None:
    listed = ids(frame)
    if not listed or phrases.is_question(talk.text):
        return None
    if spoken_of := pointing.pointed(talk, {i: {f: v for f in _TOLD if (v := _has(frame, i, f))} for i in listed}):
        meant = _of_pointed(talk, frame, spoken_of)
        if meant is not None or not all(p.name for p in spoken_of):
            return meant
    if len(listed) > 1 and _EVERY.search(talk.text) and (fields := pointing.fields(talk, talk.text)):
        return {k: v for i in listed for k, v in _keyed(i, fields).items()}
    if _LESS.search(talk.text) and (fewer := pointing.wanted(talk, talk.text)) and mentioned.says_how_many(talk.text):
        return _fewer(talk, frame, fewer)
    if (
        len(listed) > 1
        and mentioned.states_flag(talk.text, talk.knowledge)
        and (flags := pointing.flags(talk, talk.text))
        and not _is_asked(talk, flags)
    ):
        words = talk.say.join([asking.fact_label(talk, f"product.1.{f}", v) for f, v in flags.items()])
        return _which(talk, frame, talk.say("dialog.which_product", label=words), {i: _keyed(i, flags) for i in listed})
    if _MORE.search(talk.text):
        return _more(frame, pointing.wanted(talk, talk.text))
    if not (phrases.is_correction(talk.text) or _ONLY.search(talk.text) or _DENIED.search(talk.text)):
        return None
    right = _NOT_SO_MANY.sub("", phrases.after_correction(talk.text))
    if (count := read_number(right)) is not None and re.search("[个款张]", right) and 0 < count <= MAX_ITEMS:
        return _counted(talk, frame, [{}] * int(count), whole=True)
    wanted, said = pointing.wanted(talk, right), mentioned.says_how_many(right)
    if wanted and said:
        return _counted(talk, frame, wanted, whole=said == "ahead")
    return _unnamed(talk, frame, wanted[0] if wanted else pointing.fields(talk, right)) if len(listed) > 1 and len(wanted) < 2 else None


def _of_pointed(talk: Talk, frame: Frame, said: Sequence[Pointed]) -> Mapping[str, str] | Which | None:
    """What is said of products that the message points at: that they are gone or alone stay, or of what class or year they are."""
    listed, told, gone, stay = ids(frame), dict[str, Fields](), set[str](), set[str]()
    unclear: list[tuple[Pointed, Fields]] = []
    for one in said:
        fields: Fields = {} if one.gone or one.only else pointing.fields(talk, one.words)
        if not (one.gone or one.only or fields) or (one.only and not one.ids):
            continue
        if not one.ids or (one.one and len(one.ids) > 1) or not set(one.ids) <= set(listed):
            unclear.append((one, fields))
        elif one.gone:
            gone |= {*one.ids}
        elif one.only:
            stay |= {*one.ids}
        else:
            told |= dict.fromkeys(one.ids, fields)
    if not (unclear or told or gone or stay):
        return Which(talk.say("dialog.year_ahead", year=years[0]), ()) if (years := _ahead(talk, said)) else None
    if not unclear:
        return _so(frame, told, gone, stay)
    one, fields = unclear[0]
    if len(unclear) > 1 or (not one.name and (len(listed) == 1 or len(said) > 1)):
        return None
    possible = [i for i in one.ids if i in listed] if one.name and one.ids else [i for i in listed if i not in (*gone, *told)]
    changes = {i: _so(frame, {**told, **({} if one.gone else {i: fields})}, gone | ({i} if one.gone else set()), stay) for i in possible}
    missing = next((i for i in one.ids if i not in listed), "")
    if missing:
        text = talk.say("dialog.no_product", number=missing, count=len(listed))
    elif not one.ids:
        text = talk.say("dialog.no_such_product", label=one.name)
    elif one.gone:
        text = talk.say("dialog.which_gone")
    else:
        text = talk.say("dialog.which_product", label=talk.say.join([asking.fact_label(talk, f"product.1.{f}", v) for f, v in fields.items()]))
    return _which(talk, frame, text, changes, every=False)


def _so(frame: Frame, told: Mapping[str, Fields], gone: set[str], stay: set[str]) -> dict[str, str]:
    """The answers where these products are gone, or alone stay, and that is said of those that are left."""
    listed = ids(frame)
    left = [i for i in listed if i not in gone and (not stay or i in stay)]
    given = {k: v for i, fields in told.items() if i in left for k, v in _keyed(i, fields).items()}
    return {**({"products": ",".join(left) or NONE} if left != listed else {}), **given}


def _ahead(talk: Talk, said: Sequence[Pointed]) -> list[str]:
    """The years that a product is said to be of and that are not there yet."""
    return [year for one in said for _, _, year in pointing.years(talk, one.words) if int(year) > talk.now.year]


def _unnamed(talk: Talk, frame: Frame, fields: Fields) -> Mapping[str, str] | Which | None:
    """A class or a year without a number (是二类不是三类): of the only product that it can mean, else it is asked which one."""
    if not fields:
        return None
    listed = ids(frame)
    of_class = [i for i in listed if len(fields) > 1 and all(_has(frame, i, f) == fields[f] for f in _CLASS if f in fields)]
    meant = of_class or [i for i in listed if any(_has(frame, i, f) not in ("", v) for f, v in fields.items())]
    if denied_class := _DENIED.search(talk.text):
        meant = [i for i in meant if i in _of_class(talk, frame, denied_class[0].removeprefix("不是"))]
    if len(meant) < 2:
        return _keyed(meant[0], fields) if meant else None
    words = talk.say.join([asking.fact_label(talk, f"product.1.{f}", v) for f, v in fields.items()])
    return _which(talk, frame, talk.say("dialog.which_product", label=words), {i: _keyed(i, fields) for i in meant})


def _of_class(talk: Talk, frame: Frame, words: str) -> list[str]:
    """The products of the class that the words name."""
    tokens = {f.token for f in talk.knowledge.vocabulary.read(words, talk.stage.today) if f.kind == "device_class"}
    return [i for i in ids(frame) if _has(frame, i, "class") in tokens]


def _fewer(talk: Talk, frame: Frame, gone: Sequence[Fields]) -> Mapping[str, str] | Which | None:
    """Without so many products of a class (去掉一个三类证)."""
    left = [i for i in ids(frame) if _fits(frame, i, gone[0])]
    if len(left) < len(gone):
        return None
    if len(left) == len(gone):
        return {"products": _without(ids(frame), left)}
    return _counted(talk, frame, [gone[0]] * (len(left) - len(gone)), whole=False)


def _more(frame: Frame, wanted: Sequence[Fields]) -> Mapping[str, str] | None:
    """Further products (还有一个二类证)."""
    new = max(map(int, _ever(frame)))
    numbers = [str(new + n) for n in range(1, len(wanted) + 1)]
    if not wanted or len(ids(frame)) + len(wanted) > MAX_ITEMS:
        return None
    given = {k: v for number, fields in zip(numbers, wanted, strict=True) for k, v in _keyed(number, fields).items()}
    return {"products": ",".join([*ids(frame), *numbers]), **given}


def _counted(talk: Talk, frame: Frame, wanted: Sequence[Fields], whole: bool) -> Mapping[str, str] | Which | None:
    """As many products as are wanted, those that there are kept with their answers; `whole`: there are no others."""
    listed, given, kept = ids(frame), dict[str, str](), list[str]()
    classes = {(f, w[f]) for w in wanted for f in _CLASS if f in w}
    others = [] if whole else [i for i in listed if not any(_has(frame, i, f) == v for f, v in classes)]
    free, new = [i for i in listed if i not in others], max(map(int, _ever(frame)))
    for fields in wanted:
        fitting = [i for i in free if _fits(frame, i, fields)]
        if not fitting:
            new += 1
        number = max(fitting, key=lambda i: sum(_has(frame, i, f) == v for f, v in fields.items())) if fitting else str(new)
        free = [i for i in free if i != number]
        kept.append(number)
        given |= _keyed(number, fields)
    if len(others) + len(kept) > MAX_ITEMS:
        return None
    spare = [fields for fields in wanted if any(_fits(frame, i, fields) for i in free)]
    alike = [i for i in listed if i not in others and any(_fits(frame, i, fields) for fields in spare)]
    if alike and len({_answers(frame, i) for i in alike}) > 1:  # they differ, so that it counts which one goes
        changes = {i: {"products": _without(listed, [i])} for i in alike}
        return _which(talk, frame, talk.say("dialog.which_gone"), changes, every=False)
    return {"products": ",".join(sorted([*others, *kept], key=int)), **given}


def told(talk: Talk, frame: Frame, given: Mapping[str, str]) -> str:
    """The products of a pre-check in words after `given`, each with what is known of it; how many they are where that was said and says more."""
    listed = ids(frame)
    told_of = (*_TOLD, *dict.fromkeys(f for k in given if (f := k.rpartition(".")[2]) not in _TOLD))
    known = {i: {f"product.{i}.{f}": v for f in told_of if (v := _has(frame, i, f))} for i in listed}
    of_each = {k: v for fields in known.values() for k, v in fields.items()}
    words = [asking.labels(talk, {**of_each, "products": frame.answers["products"]}, frame)] if of_each else []
    if not words or ("products" in given and (len(listed) < 2 or not all(known.values()))):
        words = [asking.labels(talk, {"products": frame.answers["products"]}, frame), *words]
    return talk.say.join(words)


def tapped(talk: Talk, argument: str) -> Mapping[str, str] | None:
    """The answers behind a button of `Which`; None where it is stale or forged."""
    run, _, rest = argument.partition(".")
    frame = talk.state.top
    given = dict(pair.partition("=")[::2] for pair in rest.split(";"))
    if frame is None or frame.run != run or not ids(frame):
        return None
    try:
        for key, token in given.items():
            if key != "products" and key.split(".")[1:2] not in [[i] for i in ids(frame)]:
                return None
            question_of(talk.knowledge.facts[generic(key)], key).value(token)
    except (BadTokenError, KeyError):
        return None
    return given


def _which(talk: Talk, frame: Frame, text: str, changes: Mapping[str, Mapping[str, str]], every: bool = True) -> Which:
    """Ask which product is meant; with `every`, all of them may be."""
    choices = [(_name(talk, frame, i), given) for i, given in changes.items()]
    if every:
        choices.append((talk.say("dialog.all_of_them"), {k: v for given in changes.values() for k, v in given.items()}))
    payloads = ((label, f"!set:{frame.run}.{';'.join(f'{k}={v}' for k, v in given.items())}") for label, given in choices)
    return Which(text, tuple(Option(label, payload) for label, payload in payloads if payload == fit(payload)))


def _name(talk: Talk, frame: Frame, number: str) -> str:
    """A product as it is called on a button: 产品1：三类 2021年."""
    words = [asking.fact_label(talk, f"product.{number}.{f}", v) for f in _TOLD[1:] if (v := _has(frame, number, f))]
    name = talk.say("dialog.product", number=number)
    return talk.voice.colon(name, " ".join(words)) if words else name


def _is_asked(talk: Talk, fields: Fields) -> bool:
    """Whether the open question asks for one of these of some product."""
    question = talk.asking()
    return question is not None and question.key.startswith("product.") and question.key.rpartition(".")[2] in fields


def _fits(frame: Frame, number: str, fields: Fields) -> bool:
    """Whether a product may be the one that is described."""
    return all(_has(frame, number, f) in ("", v) for f, v in fields.items())


def _keyed(number: str, fields: Fields) -> dict[str, str]:
    return {f"product.{number}.{f}": v for f, v in fields.items()}


def _has(frame: Frame, number: str, field: str) -> str:
    return frame.answers.get(f"product.{number}.{field}", "")


def _answers(frame: Frame, number: str) -> frozenset[tuple[str, str]]:
    """All that was answered of a product."""
    start = f"product.{number}."
    return frozenset((k.removeprefix(start), v) for k, v in frame.answers.items() if k.startswith(start))


def _ever(frame: Frame) -> list[str]:
    """The ids of all products that there ever were: none is used again."""
    return [*ids(frame), *(k.split(".")[1] for k in (*frame.answers, *frame.dormant) if re.fullmatch(r"product\.\d+\.\w+", k))]


def _without(listed: Sequence[str], gone: Sequence[str]) -> str:
    return ",".join(i for i in listed if i not in gone) or NONE
