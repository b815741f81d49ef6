"""Loading the knowledge base: folder of YAML → checked records → `Knowledge`, or every problem at once."""

from __future__ import annotations

import codecs
import contextlib
import gc
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from knowledge import assessments, checks, spoken, word_checks
from knowledge.explaining import explanations, suggest
from knowledge.facts import Asks, Elsewhere, FactType, Intent, Region, Segment, Spelling
from knowledge.figures import Papers, citations, strange, strange_in_document
from knowledge.matching import Matcher
from knowledge.records import Channel, Clause, Difference, Document, Indicator, Layout, Park, Passage, QuestionAnswer, Record, Service, Task
from knowledge.search import Search
from knowledge.shapes import Shape
from knowledge.snapshot import ANSWERABLE, Knowledge
from knowledge.spelling import Speller
from knowledge.strict_yaml import MAX_BYTES, Problem, StrictYamlError, Tree, read
from knowledge.strict_yaml import Path as TreePath
from knowledge.supports import Support
from knowledge.values import Vocabulary, normalise

MODELS: Mapping[str, type[Shape]] = MappingProxyType(
    {
        "regions": Region,
        "segments": Segment,
        "facts": FactType,
        "intents": Intent,
        "spellings": Spelling,
        "elsewhere": Elsewhere,
        "industries": Elsewhere,
        "documents": Document,
        "passages": Passage,
        "layouts": Layout,
        "parks": Park,
        "supports": Support,
        "channels": Channel,
        "services": Service,
        "tasks": Task,
        "clauses": Clause,
        "indicators": Indicator,
        "differences": Difference,
        "questions": QuestionAnswer,
        "asks": Asks,
    }
)
_NAMED_BY = ("id", "key", "name", "right", "about")
"""What a record is known by: the first of these that it has."""
SHIPPED = Path(__file__).parent / "base"


_STRANGE = {
    "absent": (
        "里的“{figure}”在所引的章节里没有出现",
        "核对原文改正；在别的章节就用 also 加上那一节；是自己数出来、算出来的就写进 reckoned，并说明怎么来的",
    ),
    "unused": ("的 reckoned 里有“{figure}”，正文里却没有用到", "从 reckoned 里删掉它"),
    "stands": ("的 reckoned 里有“{figure}”，但所引的章节里就有这个数字", "从 reckoned 里删掉它"),
}


class KnowledgeError(Exception):
    """A knowledge base that cannot be used; `problems` lists everything found, each with file, line and fix."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(folder: Path = SHIPPED, figures: bool = False) -> Knowledge:
    """Read, check and index every .yaml file below `folder`; KnowledgeError with all problems otherwise.

    `figures`: also check every figure against the imported papers. A figure that differs is to be mended, but stops no running bot.
    """
    files, problems = read_folder(folder)
    return of_files(files, figures, problems)


def files_in(folder: Path) -> list[Path]:
    """The files of a knowledge base: .yaml and .yml, without those that editors and systems hide (.#supports.yaml)."""
    if not folder.is_dir():
        return []
    found = (f for f in folder.rglob("*") if f.suffix in (".yaml", ".yml") and (f.is_file() or f.is_symlink() or f.is_dir()))
    try:
        return sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(folder).parts))
    except OSError:  # it goes away while it is looked at
        return []


def read_folder(folder: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """The .yaml files below a folder by their path in it, and what could not be read."""
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for file in files_in(folder):
        name = file.relative_to(folder).as_posix()
        try:
            with file.open("rb") as handle:
                files[name] = handle.read(MAX_BYTES + 1)  # a larger one is refused for its size
        except OSError as error:
            problems.append(Problem(name, 1, 1, f"文件读不了：{error.strerror}", "检查文件的权限"))
    if not files and not problems:
        problems.append(Problem(str(folder), 1, 1, "文件夹不存在，或里面没有 .yaml 文件", "检查设置 KNOWLEDGE 写的文件夹；不设就用自带的知识库"))
    return files, problems


def of_files(files: Mapping[str, bytes], figures: bool = False, problems: Sequence[Problem] = ()) -> Knowledge:
    """The same from files that were read already; `problems` are those that could not be."""
    with _no_collection():
        return _load(files, figures, problems)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Python's cycle collector would look through millions of new objects, none of them garbage: a third of the time for nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _load(files: Mapping[str, bytes], figures: bool, problems: Sequence[Problem]) -> Knowledge:
    loading = _Loading(problems)
    loading.read_files(files)
    loading.check_agreement()
    if not loading.problems:
        loading.run_examples()
        if figures:
            loading.check_figures()
    if loading.problems:
        raise KnowledgeError(sorted(loading.problems, key=lambda p: (p.file, p.line, p.column)))
    return loading.knowledge()


def version_of(files: Mapping[str, bytes]) -> str:
    """The version of the knowledge that these files hold: a hash of their content, whatever the byte order mark."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + data.removeprefix(codecs.BOM_UTF8) + b"\0")
    return digest.hexdigest()[:12]


def _called(clauses: Iterable[Clause]) -> dict[str, str]:
    """What the papers call the segments of the vocabulary; a name that two of them share says nothing."""
    tied: dict[str, set[str]] = {}
    for focus in (f for clause in clauses for f in clause.focus):
        tied.setdefault(focus.name, set()).add(focus.segment)
    return {name: next(iter(keys)) for name, keys in tied.items() if len(keys) == 1}


def tables(knowledge: Knowledge) -> dict[str, Mapping[str, Shape]]:
    """All records of a knowledge base: kind → key → record."""
    return {kind: getattr(knowledge, kind) for kind in MODELS}


class _Loading:
    """One attempt to load: gathers records, their places, and problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in MODELS}
        self.places: dict[str, tuple[Tree, TreePath]] = {}
        self.refused: set[str] = set()
        """The ids of records that were refused: what refers to them is not to blame."""
        self.unread = bool(problems)
        self.version = ""

    def read_files(self, files: Mapping[str, bytes]) -> None:
        self.version = version_of(files)
        for name, data in files.items():
            try:
                tree = read(name, data)
            except StrictYamlError as error:
                self.problems.extend(error.problems)
                self.unread = True
                continue
            self._read_tree(tree)

    def _read_tree(self, tree: Tree) -> None:
        if not isinstance(tree.value, dict):
            self.problems.append(tree.problem((), "文件是空的，或最外层不是“键: 列表”", "最外层写种类，例如 supports: 换行后逐条列出"))
            return
        for kind, rows in tree.value.items():
            model = MODELS.get(kind)
            if model is None:
                self.problems.append(tree.problem((kind,), f"不认识的种类“{kind}”", suggest(kind, MODELS)))
            elif not isinstance(rows, list):
                self.problems.append(tree.problem((kind,), f"“{kind}”下面应是列表", "每条记录以“- ”开头"))
            else:
                for index, row in enumerate(rows):
                    self._read_record(tree, (kind, index), kind, model, row)

    def _read_record(self, tree: Tree, path: TreePath, kind: str, model: type[Shape], row: Any) -> None:
        if not isinstance(row, dict):
            self.problems.append(tree.problem(path, "这一条不是“键: 值”的形式", "每条记录写成 - id: …，下面各行与 id 对齐"))
            return
        try:
            record = model.model_validate(row)
        except ValidationError as error:
            self.problems.extend(explanations(tree, path, model, row, error))
            self.refused.update(v for v in (row.get("id"), row.get("key")) if isinstance(v, str))
            return
        key = next((str(found) for name in _NAMED_BY if (found := getattr(record, name, None))), "")
        unique = (
            f"{kind}:{key}"
            if kind in ("regions", "segments", "facts", "intents", "spellings", "elsewhere", "industries", "asks", "documents", "passages")
            else key
        )
        if unique in self.places:
            other, other_path = self.places[unique]
            what = f"编号“{key}”重复，{other.file} 第 {other.place(other_path)[0]} 行已经用了"
            merged = kind in ("asks", "spellings", "elsewhere", "industries")  # these are called by their words
            self.problems.append(tree.problem((*path, "id"), what, "两条合成一条" if merged else "换一个没用过的编号"))
            return
        self.places[unique] = (tree, path)
        self.tables[kind][key] = record

    def check_agreement(self) -> None:
        found: dict[tuple[str, str], list[Problem]] = {}
        for fault in (*checks.faults(self.tables), *word_checks.faults(self.tables)):
            if fault.word in self.refused or (fault.word and self.unread):
                continue  # what refers to a refused record or an unreadable file is not to blame
            tree, path = self._place(fault.kind, fault.key)
            problem = tree.problem((*path, *fault.where), fault.what, fault.fix or suggest(fault.word, fault.known))
            found.setdefault((tree.file, fault.what), []).append(problem)
        for (_, what), same in found.items():
            first = min(same, key=lambda p: p.line)
            self.problems.append(first if len(same) == 1 else replace(first, what=f"{what}（这个文件里共 {len(same)} 处）"))

    def _place(self, kind: str, key: str) -> tuple[Tree, TreePath]:
        return self.places[f"{kind}:{key}" if f"{kind}:{key}" in self.places else key]

    def check_figures(self) -> None:
        """Every figure against the sections that are cited, where the paper was imported."""
        papers = Papers(self.tables["passages"])
        for document in self.tables["documents"].values():
            tree, path = self._place("documents", document.id)
            if document.id in papers:
                for figure in strange_in_document(document, papers):
                    self.problems.append(tree.problem(path, f"“{figure}”在文件里没有出现", "核对原文，改成文件里的数字"))
        for kind in ANSWERABLE:
            for record in self.tables[kind].values():
                self._check_record(kind, record, papers)

    def _check_record(self, kind: str, record: Record | QuestionAnswer, papers: Papers) -> None:
        tree, path = self._place(kind, record.id)
        for citation in citations(record):
            if citation.document in papers and not papers.text(citation.document, citation.section):
                what = f"“{record.id}”引的“{citation.section}”在导入的 {citation.document} 里没有这一节"
                self.problems.append(tree.problem(path, what, suggest(citation.section, papers.sections(citation.document))))
        for figure, how in strange(record, papers):
            what, fix = _STRANGE[how]
            self.problems.append(tree.problem(path, f"“{record.id}”{what.format(figure=figure)}", fix))

    def run_examples(self) -> None:
        for support in self.tables["supports"].values():
            tree, path = self.places[support.id]
            document = self.tables["documents"][support.source.document]
            for index, example in enumerate(support.examples):
                status = assessments.status_of_example(support, example, document, self.tables["facts"])
                if status != example.status:
                    self.problems.append(
                        tree.problem(
                            (*path, "examples", index),
                            f"例子算出来是 {status}，写的是 {example.status}",
                            "核对例子的日期、情况和这一项的条件，改对其中一个",
                        )
                    )

    def knowledge(self) -> Knowledge:
        t: dict[str, Any] = {name: MappingProxyType(table) for name, table in self.tables.items()}
        answerable = [r for kind in ANSWERABLE for r in t[kind].values()]
        names = {r.name for r in t["regions"].values()}  # 徐州高新区 is also a park: only a region's own name is left out of a search
        places = [name for r in t["regions"].values() for name in (r.name, *r.aliases, *r.ambiguous)]
        search = Search(answerable, [n for n in places if n in names or not n.endswith("区")], {a.about: a.ask for a in t["asks"].values()})
        away = {word: [n for e in t[kind].values() for n in (e.name, *e.aliases)] for word, kind in (("E", "elsewhere"), ("I", "industries"))}
        alike = {**away, "R": places}
        wrong = {w: s.right for s in t["spellings"].values() for w in s.wrong}
        speller = Speller(wrong, spoken.words(t), spoken.heard(t), lambda pair: pair in matcher or pair in search, spoken.english(t))
        read = {
            i.name: [speller.pinyin(normalise(e)) if e.isascii() else e for e in i.examples] for i in t["intents"].values()
        }  # pinyin as it is read in a chat
        matcher = Matcher(read, alike)
        return Knowledge(
            version=self.version,
            speller=speller,
            vocabulary=Vocabulary(
                tuple(t["regions"].values()),
                tuple(t["segments"].values()),
                tuple(t["facts"].values()),
                tuple(t["parks"].values()),
                _called(t["clauses"].values()),
            ),
            matcher=matcher,
            search=search,
            **t,
        )
