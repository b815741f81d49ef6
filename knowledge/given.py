"""A company's facts as a program or a table gives them: read into the answers that rules judge, or refused field by field.

What may be written is in docs/facts.md, which is made from the same vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from knowledge.contradictions import contradictions
from knowledge.facts import Region, Segment
from knowledge.numerals import numeral
from knowledge.rules import NONE, FactTypes
from knowledge.written import LONGEST, RefusedError, Value, Written, fold

Path = tuple[str | int, ...]
REGION, PRODUCTS = "region", "products"
MAX_PRODUCTS = 9
_ITEM = re.compile(r"product\.(?:(?P<id>[1-9][0-9]{0,2})\.)?(?P<field>.+)")
_NO_PRODUCTS = frozenset({NONE, "0", "无", "没有", "还没有"})
_HOW_MANY = f"写有几个产品（最多 {MAX_PRODUCTS} 个），例如 2；还没有产品就写 none"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field and how to write it; `path` is where it was given (`("products", 0, "class")`)."""

    field: str
    what: str
    fix: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What was read: answers by key (`product.1.class` → `III`), and what could not be. Facts are only of use where nothing is wrong."""

    facts: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass
class _Sheet:
    """What is being read: every value under its own key, with the place where it was given."""

    cells: dict[str, tuple[Value, Path]] = field(default_factory=dict)
    products: dict[int, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, key: str, what: str, fix: str, path: Path) -> None:
        """Note a problem of a field."""
        self.problems.append(Problem(key, what, fix, path))


class Reader:
    """Reads facts by one vocabulary; made once, used for every company."""

    def __init__(self, types: FactTypes, regions: Iterable[Region], segments: Iterable[Segment]) -> None:
        regions, segments = tuple(regions), tuple(segments)
        self._types = types
        self._written = {key: Written.of(fact, regions, segments) for key, fact in types.items() if fact.scope != "request" and key != PRODUCTS}
        self._shared_names = {name: [r.name for r in regions if name in r.ambiguous] for r in regions for name in r.ambiguous}

    def unknown(self, key: str) -> Problem | None:
        """The problem of a key that names no fact; None for one that does."""
        item = _ITEM.fullmatch(key)
        name = f"product.{item['field']}" if item else key
        if name in self._written or key == PRODUCTS:
            return None
        if name in self._types:
            return Problem(key, "不是预审看的情况", "删掉这一项；联系方式在登记请求时写", (key,))
        near = get_close_matches(name, [*self._written, PRODUCTS], 1, 0.6)
        meant = near[0].replace("product.", f"product.{item['id']}.") if near and item and item["id"] else near[0] if near else ""
        return Problem(key, "没有这一项", f"您是不是想写“{meant}”？" if meant else "可以写的都在 docs/facts.md", (key,))

    def read(self, given: Mapping[str, Value], today: date) -> Given:
        """The facts as of a day; everything that is wrong with them at once."""
        sheet = _Sheet()
        listed = given.get(PRODUCTS)
        for key, value in given.items():
            if key == PRODUCTS:
                continue
            if problem := self.unknown(key):
                sheet.problems.append(problem)
            else:
                self._place(sheet, key, value)
        if PRODUCTS in given:
            self._list(sheet, listed)
        facts = {key: token for key, (value, path) in sheet.cells.items() if (token := self._token(sheet, key, value, path, today)) is not None}
        if sheet.products and PRODUCTS not in facts:
            facts[PRODUCTS] = ",".join(map(str, sorted(sheet.products)))
        if len(sheet.products) > MAX_PRODUCTS:
            sheet.refuse(PRODUCTS, f"有 {len(sheet.products)} 个产品", f"一次最多算 {MAX_PRODUCTS} 个，分成几次算", (PRODUCTS,))
        if REGION not in given:
            sheet.refuse(REGION, "没有写", self._written[REGION].how(), (REGION,))
        if not sheet.problems:
            sheet.problems += (Problem(key, what, fix, sheet.cells[key][1]) for key, what, fix in contradictions(facts, self._types))
        return Given(facts, tuple(sheet.problems))

    def _place(self, sheet: _Sheet, key: str, value: Value, path: Path = ()) -> None:
        """Put a value under its own key: `product.class` is that of product 1."""
        item = _ITEM.fullmatch(key)
        if item:
            sheet.products[int(item["id"] or 1)] = None
            key = f"product.{item['id'] or 1}.{item['field']}"
        if key in sheet.cells:
            sheet.refuse(key, "写了两次", "删掉其中一个", path or (key,))
        else:
            sheet.cells[key] = (value, path or (key,))

    def _list(self, sheet: _Sheet, value: Value) -> None:
        """Read `products`: how many, their numbers (`1,3`), or a list of mappings with the facts of each."""
        if isinstance(value, Sequence) and not isinstance(value, str) and value and all(isinstance(item, Mapping) for item in value):
            self._items(sheet, value)
            return
        named = set(sheet.products)
        try:
            token = _numbers(value)
        except RefusedError as error:
            sheet.refuse(PRODUCTS, error.what, error.fix, (PRODUCTS,))
            return
        sheet.products = {int(n): None for n in token.split(",")} if token != NONE else {}
        sheet.cells[PRODUCTS] = (token, (PRODUCTS,))
        for n in sorted(named - set(sheet.products)):
            sheet.refuse(
                PRODUCTS,
                f"是“{value if isinstance(value, str) else token}”，却写了产品 {n} 的情况",
                f"删掉 product.{n} 的各项，或改 products",
                (PRODUCTS,),
            )

    def _items(self, sheet: _Sheet, items: Sequence[Value]) -> None:
        for n, item in enumerate(items, 1):
            for name, value in item.items() if isinstance(item, Mapping) else ():
                key, path = f"product.{n}.{name}", (PRODUCTS, n - 1, name)
                if problem := self.unknown(key):
                    sheet.problems.append(Problem(key, problem.what, problem.fix, path))
                else:
                    self._place(sheet, key, value, path)
            sheet.products[n] = None

    def _token(self, sheet: _Sheet, key: str, value: Value, path: Path, today: date) -> str | None:
        if key == PRODUCTS and isinstance(value, str):
            return value
        try:
            return self._written[_generic(key)].token(value, today)
        except RefusedError as error:
            fix = error.fix
            if key == REGION and isinstance(value, str) and (names := self._shared_names.get(value.strip())):
                fix = f"几个地方都叫“{value.strip()}”，写清楚是哪一个：{'、'.join(names)}"
            sheet.refuse(key, error.what, fix, path)
            return None


def _generic(key: str) -> str:
    item = _ITEM.fullmatch(key)
    return f"product.{item['field']}" if item else key


def _numbers(value: Value) -> str:
    """The token of a list of products: `2` is two of them, `1,3` or a list names them by number."""
    if isinstance(value, str):
        parts = [fold(part) for part in re.split("[,，、]", value)]
    elif isinstance(value, Sequence) and value and all(isinstance(item, str) for item in value):
        parts = [fold(str(item)) for item in value]
    else:
        raise RefusedError("是空的" if not value else "有的产品写成了字段，有的没有" if isinstance(value, Sequence) else "写成了一组字段", _HOW_MANY)
    counted = isinstance(value, str) and len(parts) == 1
    if len(parts) == 1 and parts[0] in _NO_PRODUCTS:
        return NONE
    numbers = [numeral(part.removesuffix("个") if counted else part) if len(part) <= LONGEST else None for part in parts]
    if counted and numbers == [0]:
        return NONE
    ids = [int(n) for n in numbers if n is not None and 0 < n < 1000 and n == int(n)]
    if len(ids) < len(parts):
        raise RefusedError(f"“{'，'.join(parts)[:40]}”不是个数", _HOW_MANY)
    if counted:
        if ids[0] > MAX_PRODUCTS:
            raise RefusedError(f"有 {ids[0]} 个产品", f"一次最多算 {MAX_PRODUCTS} 个，分成几次算")
        ids = list(range(1, ids[0] + 1))
    if len(set(ids)) < len(ids):
        raise RefusedError("同一个产品写了两次", _HOW_MANY)
    return ",".join(map(str, ids))
