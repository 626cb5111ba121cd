"""The documents of a policy file with the place of everything in them: YAML, of which JSON is a part."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

Path: TypeAlias = tuple[str | int, ...]
"""Names and list indexes from the top of a document down."""

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {
    f"{_TAG}str": "text",
    f"{_TAG}int": "number",
    f"{_TAG}float": "number",
    f"{_TAG}bool": "truth",
    f"{_TAG}null": "nothing",
    f"{_TAG}timestamp": "date",
}
# What PyYAML raises for scalars that have the form of a number or date, or such a tag, and are none.
_NO_SCALAR: Final = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OverflowError)


class Place(NamedTuple):
    """Where something stands in the file, counted from 1."""

    line: int
    column: int


class Flaw(NamedTuple):
    """Something that no document may hold, whatever it is meant to say."""

    code: str
    document: int
    path: Path
    place: Place | None
    values: dict[str, str]


@dataclass
class Document:
    """What one document holds."""

    number: int
    content: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    names: dict[Path, Place] = field(default_factory=dict)
    """Of the names in mappings, by the path of what they name."""
    written: dict[Path, str] = field(default_factory=dict)
    """How those scalars are written that YAML reads as something else than text."""


class _Loader(yaml.SafeLoader):
    """Composes nodes; these are read by `_Reading`."""


def read_documents(text: str) -> tuple[list[Document], list[Flaw]]:
    """All documents that hold anything, up to the first place that is no YAML, and what is wrong with them as such."""
    documents: list[Document] = []
    flaws: list[Flaw] = []
    try:
        loader = _Loader(_spaced(text))
        for node in _nodes(loader):
            reading = _Reading(loader, Document(len(documents) + 1))
            reading.document.content = reading.value(node, ())
            if reading.document.content is not None or reading.flaws:
                documents.append(reading.document)
                flaws += reading.flaws
    except yaml.YAMLError as error:
        flaws.append(_no_yaml(error, text, len(documents) + 1))
    except RecursionError:
        flaws.append(Flaw("too_deep", len(documents) + 1, (), None, {}))
    return documents, flaws


class _Reading:
    """Reads the nodes of one document."""

    def __init__(self, loader: _Loader, document: Document) -> None:
        self.document = document
        self.flaws: list[Flaw] = []
        self._loader = loader
        self._within: set[int] = set()  # an alias may point to what it is a part of

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.document.values[path] = _place(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._within:
            return self._flaw("endless", path, node)
        self._within.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._flaw("tag", path, node, tag=_shown_tag(node.tag))
        finally:
            self._within.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self._flaw("name_no_text", path, name_node)
                continue
            name = name_node.value
            below = (*path, name)
            if name_node.tag == f"{_TAG}merge":
                self._flaw("merge", below, name_node)
                continue
            if name_node.tag != f"{_TAG}str":
                self._odd_name(name_node, below)
            elif name in content:
                first = self.document.names[below]
                self._flaw("twice", below, name_node, shown=repr(shortened(name)), line=str(first.line))
                continue
            self.document.names[below] = _place(name_node.start_mark)
            content[name] = self.value(value_node, below)
        return content

    def _odd_name(self, node: yaml.ScalarNode, path: Path) -> None:
        kind = _KINDS.get(node.tag)
        if kind is None:
            self._flaw("tag", path, node, tag=_shown_tag(node.tag))
        else:
            self._flaw("name_read_as", path, node, written=node.value, kind=kind)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag not in _KINDS:
            return self._flaw("tag", path, node, tag=_shown_tag(node.tag))
        try:
            content = self._loader.construct_object(node)
        except _NO_SCALAR:
            return self._flaw("no_scalar", path, node, written=shortened(node.value), kind=_KINDS[node.tag])
        if not isinstance(content, str):
            self.document.written[path] = shortened(node.value)
        return content

    def _flaw(self, code: str, path: Path, node: yaml.Node, **values: str) -> None:
        self.flaws.append(Flaw(code, self.document.number, path, _place(node.start_mark), values))


def kind_of(content: Any) -> str:
    """What YAML took a scalar for, or that it is a list or a mapping."""
    if isinstance(content, bool):
        return "truth"
    if content is None:
        return "nothing"
    if isinstance(content, int | float):
        return "number"
    if isinstance(content, str):
        return "text"
    return "list" if isinstance(content, list) else "mapping" if isinstance(content, dict) else "date"


def shortened(text: str) -> str:
    """The text, cut where it is longer than a line of an error should be."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nodes(loader: _Loader) -> Iterator[yaml.Node]:
    while loader.check_node():
        if node := loader.get_node():
            yield node


def _spaced(text: str) -> str:
    """With spaces for tabs if all is JSON: it has tabs only between tokens, and there YAML takes none."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _shown_tag(tag: str) -> str:
    return tag.replace(_TAG, "!!")


def _no_yaml(error: yaml.YAMLError, text: str, document: int) -> Flaw:
    place = None
    problem = " ".join(str(error).split())
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = None if mark is None else _place(mark)
        problem = ", ".join(said for said in (error.problem, error.context) if said)
    elif isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        problem = f"character #x{error.character:04x} is not allowed"
    return Flaw("no_yaml", document, (), place, {"problem": problem})
