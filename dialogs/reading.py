"""Reading a message as an answer to the open question: tokens, values, names, misspelt choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from rapidfuzz import fuzz, process

from dialogs import mentioned, phrases
from dialogs.script import MAX_ITEMS, NONE, UNKNOWN, Amount, BadTokenError, Choice, Choices, Flag, FreeText, Items, Number, Places, Question
from knowledge.claims import undertakes
from knowledge.denial import denied, holds
from knowledge.facts import FactType
from knowledge.money import CURRENCIES, Money
from knowledge.snapshot import Knowledge
from knowledge.values import Found, normalise, read_contacts, read_dates, read_money, read_number, read_yes_no

MAX_TEXT = 500
NEAR = 82.0
"""Similarity (0–100) from which a misspelt option counts as meant, where no money or eligibility hangs on it."""

_NONE = re.compile(r"(以上)?(都|全)?(没有|无|不是|没)[的了啊呢]*|一个都没有|都不要|没有特别(的)?要求|没(什么)?要求|无所谓|none|nothing")
_NO_PRODUCT = re.compile(r"(?:[0零〇] ?个?|(?:现在|目前|暂时|我们)*(?:还|暂|都)?(?:没有|没|无)(?:有)?(?:任何)?产品|no products?(?: yet)?)[了的呢]*")
_ANY = re.compile(r"(都|随便|哪里|哪儿|哪)?(都)?(可以|行|无所谓|不限|随便|任意)|不限地区|any(where)?")
_NOTHING = re.compile(r"(?:都|全)?(?:没有|没|无)[的了啊呢]*|none|nothing")
_WHATEVER = re.compile(
    r"(?:我们?|这个|这里|那就|就|都|也|怎么|哪个|哪种|什么|方向|没有?特别的?)*(?:行|可以|随便|随意|任意|无所谓|不限|不挑|没(?:有)?(?:什么|特别的?)?(?:偏好|要求|讲究))(?:都行|都可以|选|方向|吧|的|啊|哪个|哪种|一个)*|any(?:thing|thing will do| will do)?|whatever|no preference"
)
"""Words of somebody to whom it does not matter."""
_GLUE = re.compile(
    r"我们?|咱们?|公司|企业|的话|就是|应该|是|在|选|要|想|的|了|啊|吧|呀|哦|嗯|做|刚|拿到?|有|这个|那个|属于|主要|大概|差不多|一个|区域|地区|那边|这边"
    r"|\b(?:we|i|it|is|are|am|in|at|the|our|us|a|an|company|located|based|from|actually|meant|make|do|have|just|should|be)\b|[\s,.，。、!！~～:：]+"
)
_AGREES = re.compile(r"(?:好的?[,，]?)?我?们?(?:都)?(?:同意|接受|愿意)[了的吧啊]*|(?:yes,? )?(?:i )?(?:agree|consent)|agreed")
_REFUSES = re.compile(
    r"(?:我们?|暂时|先|还是|就|都|真的?|也|那|现在|[,，])*(?:不太?(?:同意|接受|愿意|想|方便)|拒绝|不要?[留填给]|先不)(?:你们?|您们?)?(?:再?(?:收集|[收用存要留填给说])|提供|告诉你们?)?"
    r"(?:我的?)?(?:电话|手机号?|联系方式|(?:个人)?信息|号码|邮箱|数据|名字|姓名)?[了的吧啊呢]*|(?:我|那)?(?:可以|能|能不能|可不可以|是不是可以)不(?:再)?[留填给](?:我的?)?(?:电话|手机号?|联系方式|号码)?[吗么嘛]?"
    r"|(?:i )?(?:do not|don't) (?:agree|consent|want to)|(?:i )?(?:disagree|decline|refuse)|(?:i'?d |i would )?rather not|no thanks|not really|can i skip (?:it|this|that)"
)
_FUZZY_FACTS = frozenset({"region", "segment", "site_stage", "needs", "approval_matter"})
_BELOW_ZERO = re.compile(r"[-−负]\s?\d+(?:\.\d+)?(?:万|亿|w)?")
_ORDINAL = re.compile(r"(?:选|第(?=[1-9][个项]))?([1-9])(?:(?<=第[1-9])[个项]|号)?[.。、]?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message says to a question: a token, and whether it must be echoed back because it was not literal."""

    token: str
    echo: bool = False
    whole: bool = False
    """Whether the whole message names one of the choices, so that nothing else is said in it (一类 of a drug is no class of a device)."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a message is no answer although it tried to be one: a text key and its slots."""

    hint: str
    slots: Mapping[str, str]


def located(found: Sequence[Found], knowledge: Knowledge) -> tuple[Found, ...]:
    """The values of a message, and behind each park that it names the region in which that park lies."""
    named = {f.token for f in found if f.kind == "region"}
    result = []
    for value in found:
        result.append(value)
        region = knowledge.parks[value.token].region if value.kind == "park" else None
        if region and region not in named:
            named.add(region)
            result.append(replace(value, kind="region", value=region, token=region))
    return tuple(result)


def projects_in(text: str) -> dict[str, str]:
    """The answer that a message gives in passing to the question of what is under way: a science project that it says to be undertaken."""
    return {"plans": "state_project"} if undertakes(text) else {}


def rest_of(text: str, found: Sequence[Found]) -> str:
    """What is left of a message without the values found in it and without small words."""
    for value in sorted(found, key=lambda f: -len(f.text)):
        text = text.replace(value.text, "")
    return _GLUE.sub("", text)


def read_answer(question: Question[object], text: str, found: Sequence[Found], today: date) -> Answer | Unreadable | None:
    """The answer that a message gives to a question, if it is one; never a token that the question itself refuses."""
    read = _read_answer(question, text, found, today)
    if isinstance(read, Answer):
        try:
            question.value(read.token)
        except BadTokenError:
            return Unreadable("hint_number" if isinstance(question, Number | Items) else "hint_choice", {})
    return read


def _read_answer(question: Question[object], text: str, found: Sequence[Found], today: date) -> Answer | Unreadable | None:
    raw, text = text, normalise(text)
    bare = text.strip(" .。!！~～,，")
    if question.optional and (phrases.skips(bare) or phrases.is_puzzled(bare)):
        return Answer(UNKNOWN)
    if isinstance(question, Choice | Choices | Flag) and (_WHATEVER.fullmatch(bare) or _NOTHING.fullmatch(bare)):
        return _indifferent(question, bare)
    match question:
        case Choices():
            return _choices(question, bare, found)
        case Choice():
            return _choice(question, bare, found)
        case Flag():
            said = read_yes_no(bare)
            if stated := "" if said or phrases.is_question(bare) else mentioned.flag_in(bare, question.fact):
                return Answer(stated, echo=True)
            return Answer(said) if said in ("yes", "no") else None
        case Amount():
            return _amount(question, bare)
        case Items():
            return _items(bare)
        case Number():
            return _number(question, bare, today)
        case FreeText():
            return _free_text(question, " ".join(raw.split()))
        case _:
            return None


def refuses(text: str) -> bool:
    """Whether words decline to leave contact details, and nothing else (拒绝, 不留了, 可以不留吗)."""
    return bool(_REFUSES.fullmatch(normalise(text).strip(" .。!！~～,，?？")))


def _indifferent(question: Question[object], text: str) -> Answer | Unreadable | None:
    """What 都行 or 没有 says: no preference where one may have none, none of several, no; else what the question needs is said."""
    tokens, never = {t for t, _ in question.choices}, _NOTHING.fullmatch(text) is not None
    if isinstance(question, Flag):
        said = read_yes_no(text)
        return Answer(said) if said in ("yes", "no") else Unreadable("hint_flag", {})
    if isinstance(question, Choices):
        return Answer(NONE) if never or question.fact.key == "needs" else Unreadable("hint_choice", {})
    if tokens >= {"yes", "no"} or "file" in tokens:
        return _choice(question, text, ())  # type: ignore[arg-type]
    if "any" in tokens and not never:
        return Answer("any")
    if question.optional and (question.fact.scope == "product" if never else question.fact.scope != "product"):
        return Answer(UNKNOWN, echo=never)  # who has no product yet can't say of which kind it is
    return Unreadable("hint_choice", {})


def _choice(question: Choice, text: str, found: Sequence[Found]) -> Answer | Unreadable | None:
    tokens = {t for t, _ in question.choices}
    if literal := _literal(question, text):
        return Answer(literal, echo=_is_number(text), whole=question.fact.scope == "project")
    if question.fact.scope in ("product", "project") and (short := _short(question, text)):
        return Answer(short, echo=True, whole=True) if short in tokens else Unreadable("hint_choice", {})
    if question.key == "contact.consent":  # nothing but plain words: a consent is not guessed
        if refuses(text) or read_yes_no(text) == "no":
            return Answer("no")
        return Answer("yes") if _AGREES.fullmatch(text) or read_yes_no(text) == "yes" else None
    if tokens >= {"yes", "no"} or "file" in tokens:
        said = {"yes": "file" if "file" in tokens else "yes", "no": "no"}.get(read_yes_no(text) or "")
        if said in tokens:
            return Answer(said)
    if "any" in tokens and _ANY.fullmatch(text):
        return Answer("any")
    kind = {"product.class": "device_class", "product.phase": "phase", "product.drug_class": "drug_class"}.get(question.fact.key, question.fact.key)
    values = [f for f in found if f.kind == kind and f.token in tokens]
    if len({v.token for v in values}) == 1 and len(rest_of(text, found)) <= 4:
        return Answer(values[0].token, echo=values[0].text != text)
    if isinstance(question, Places) and len({v.token for v in values}) > 1 and len(rest_of(text, found)) <= 6:
        return Answer(",".join(t for t, _ in question.choices if t in {v.token for v in values}), echo=True)
    if question.fact.key == "region" and any(f.kind == "ambiguous_region" for f in found):
        return Unreadable("hint_region", {})
    if question.optional and question.fact.scope == "product" and _NONE.fullmatch(text):
        return Answer(UNKNOWN, echo=True)  # who has no product yet can't say of which kind it is
    inside = _inside(question, text)
    if len(inside) == 1 and len(_GLUE.sub("", text)) <= 12 and not phrases.is_question(text):
        return Answer(inside[0], echo=True)
    if question.fact.key in _FUZZY_FACTS and (near := _near(question, text)):
        return Answer(near, echo=True)
    return None


def _choices(question: Choices, text: str, found: Sequence[Found]) -> Answer | None:
    if literal := _literal(question, text):
        return Answer(literal, echo=_is_number(text))
    if _NONE.fullmatch(text):
        return Answer(NONE)
    kind = {"events": "event"}.get(question.fact.key, question.fact.key)
    tokens = [t for t, _ in question.choices]
    named = {f.token for f in found if f.kind == kind} | set(_inside(question, text))
    chosen = [t for t in tokens if t in named]
    if chosen and not phrases.is_question(text):
        return Answer(",".join(chosen), echo=True)
    if question.fact.key in _FUZZY_FACTS and (near := _near(question, text)):
        return Answer(near, echo=True)
    return None


def _amount(question: Amount, text: str) -> Answer | Unreadable | None:
    found = read_money(text)
    if (below := next((f for f in found if f.value["value"] < 0), None)) is not None or _BELOW_ZERO.fullmatch(text):
        return Unreadable("hint_negative", {"text": below.text if below else text})
    if found and re.search(r"[-–—~～至到]\s*[\d一二三四五六七八九十两]", text):
        return Unreadable("hint_exact_money", {"text": text})
    if not found and (plain := re.fullmatch(r"(\d+(?:\.\d+)?)(万|亿|w)?", text)):
        found = read_money(f"{plain[1]}{plain[2] or ''}元")
    if len(found) != 1:
        return Unreadable("hint_money", {}) if found or re.search(r"\d", text) else None
    value = found[0].value
    own = CURRENCIES.get(question.fact.unit or "")
    named = re.search(r"元|块|人民币|rmb|cny|美|刀|usd|\$|￥|¥", text)
    if own and value["currency"] not in (None, own) and (named or value["currency"] != "CNY"):
        return Unreadable({"CNY": "hint_yuan", "USD": "hint_dollars"}.get(own, "hint_currency"), {"text": found[0].text})
    if value["currency"] is None or value["currency"] not in ("CNY", "USD"):
        return Unreadable("hint_currency", {"text": found[0].text})
    if value["bound"] in ("min", "max"):
        return Unreadable("hint_exact_money", {"text": found[0].text})
    money = Money.parse(found[0].token)
    if not named and question.fact.unit == "美元":
        money = Money(money.value, "USD")
    return Answer(money.token, echo=True)


def _items(text: str) -> Answer | None:
    if _NONE.fullmatch(text) or _NO_PRODUCT.fullmatch(text):
        return Answer(NONE, echo=True)
    count = read_number(text)
    if count is None or count != count.to_integral_value() or not 1 <= count <= MAX_ITEMS:
        return None
    return Answer(",".join(map(str, range(1, int(count) + 1))))


def _number(question: Number, text: str, today: date) -> Answer | Unreadable | None:
    if question.fact.unit == "年":
        years = [str(f.value)[:4] for f in read_dates(text, today) if f.kind == "date"]
        if plain := re.fullmatch(r"(?:20)?(\d\d)年?", text):
            years = [f"20{plain[1]}"]
        if len(years) == 1 and 2000 <= int(years[0]) <= today.year:
            return Answer(years[0], echo=years[0] != text)
        return Unreadable("hint_number", {}) if years or re.search(r"\d", text) else None
    number = read_number(text)
    if number is None:
        return Unreadable("hint_number", {}) if re.search(r"\d", text) else None
    return Answer(str(int(number))) if number == number.to_integral_value() and number >= 0 else Unreadable("hint_number", {})


def _free_text(question: FreeText, text: str) -> Answer | Unreadable | None:
    if question.fact.type == "phone":
        contacts = read_contacts(text)
        return Answer(str(contacts[0].value)) if contacts else Unreadable("hint_phone", {})
    if not text:
        return None
    if question.fact.key == "contact.name" and (read_contacts(text) or read_yes_no(text) in ("yes", "no")):
        return Unreadable("hint_name", {})
    if question.fact.key == "contact.company" and (read_contacts(text) or read_yes_no(text) in ("yes", "no")):
        return Unreadable("hint_company", {})
    return Answer(text) if len(text) <= MAX_TEXT else Unreadable("hint_text", {})


def _literal(question: Question[object], text: str) -> str | None:
    """A token that the message is word for word: its label, an alias, or the number of its button."""
    for token, label in question.choices:
        names = (label.zh, label.en, re.sub(r"（.*?）|\(.*?\)", "", label.zh), *_aliases(question.fact, token))
        if any(text == normalise(n) for n in names):
            return token
    if (ordinal := _ORDINAL.fullmatch(text)) and question.fact.key not in ("product.class", "product.phase"):
        offered = shown(question)
        index = int(ordinal[1]) - 1
        return offered[index][0] if index < len(offered) else None
    return None


_GRADES: Mapping[str, tuple[re.Pattern[str], Mapping[int, str]]] = MappingProxyType(
    {
        "product.class": (re.compile(r"第?([一二三123]|i{1,3})类?(?:的|证|注册证|(?:医疗)?器械)*"), {1: "I", 2: "II", 3: "III"}),
        "product.drug_class": (re.compile(r"第?([一二三123]|i{1,3})类?(?:的|改良型?|创新|新?药品?|证)*"), {1: "class_1", 2: "class_2", 3: "class_3"}),
        "product.phase": (re.compile(r"第?([一二三123]|i{1,3})期?(?:的|临床|了|试验)*"), {1: "I", 2: "II", 3: "III"}),
    }
)
"""How the classes and phases are said where the question has named what they are of, and what each number means there."""
_BROAD = frozenset({"产品", "临床"})
"""Words that stand in one choice, but tell it from no other."""
_NUMERALS = {"一": 1, "二": 2, "三": 3, "1": 1, "2": 2, "3": 3, "i": 1, "ii": 2, "iii": 3}


def _short(question: Choice, text: str) -> str | None:
    """The token meant by a class or a phase in the sense of the question (二类), or by a part of one of its choices alone (器械, 改良)."""
    pattern, meant = _GRADES.get(question.fact.key, (None, {}))
    if pattern is not None and (said := pattern.fullmatch(text)):
        return meant[_NUMERALS[said[1]]]
    names = {t: [normalise(n) for n in (label.zh, *_aliases(question.fact, t))] for t, label in question.choices}
    holding = [t for t, called in names.items() if any(text in name for name in called)] if len(text) >= 2 and text not in _BROAD else []
    return holding[0] if len(holding) == 1 and not phrases.is_question(text) else None


def _is_number(text: str) -> bool:
    """Whether the button was only counted (3), so that it is said which one that is."""
    return _ORDINAL.fullmatch(text) is not None


def _inside(question: Question[object], text: str) -> list[str]:
    """Tokens whose label or an alias stands in the message."""
    said = holds if question.fact.key in ("events", "stage") else _is_not_denied  # what has happened; a plan or a need may well be planned
    found = []
    for token, label in question.choices:
        names = (normalise(n) for n in (re.sub(r"（.*?）|\(.*?\)", "", label.zh), *_aliases(question.fact, token)) if len(n) >= 2)
        if any((at := text.find(n)) >= 0 and said(text, at, at + len(n)) for n in names):
            found.append(token)
    return found


def _is_not_denied(text: str, start: int, end: int) -> bool:
    return not denied(text, start, end)


def _near(question: Question[object], text: str) -> str | None:
    names = {normalise(n): token for token, label in question.choices for n in (label.zh, *_aliases(question.fact, token))}
    best = process.extract(text, list(names), scorer=fuzz.ratio, processor=None, limit=2) if len(text) >= 2 else []
    if (
        best
        and best[0][1] >= NEAR - (12 if len(text) <= 4 else 0)
        and (len(best) < 2 or names[best[1][0]] == names[best[0][0]] or best[0][1] - best[1][1] >= 8)
    ):
        return names[best[0][0]]
    return None


def _aliases(fact: FactType, token: str) -> tuple[str, ...]:
    return next((o.aliases for o in fact.options if o.token == token), ())


def shown(question: Question[object]) -> tuple[tuple[str, str], ...]:
    """The tokens offered as buttons, in order, with their Chinese labels."""
    offered = question.choices
    if isinstance(question, Choice) and question.buttons:
        offered = tuple(c for c in offered if c[0] in question.buttons)
    return tuple((t, label.zh) for t, label in offered)
