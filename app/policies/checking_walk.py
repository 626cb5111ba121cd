"""All that keeps one document from being a policy, found by walking it along the types of `streams.core.policy`."""

import re
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec.inspect as types

from app.policies.checking_documents import Document, Path, Place, kind_of, shortened
from app.policies.checking_fixes import duration_fix, nearest, time_fix
from streams.core.policy import (
    DURATION_PATTERN,
    LONGEST_MS,
    POLICY_ID_PATTERN,
    Gate,
    Policy,
    Windows,
    duration_ms,
)

Level: TypeAlias = Literal["error", "warning"]

NAMING: Final = ("platforms", "categories", "campaigns")
"""Where names are ids of things, and "*" is none."""

_POLICY: Final = types.type_info(Policy)
_LONGEST_DURATION: Final = 1_000
"""Characters; there may be any number of zeros before the number, but Python reads no more than some thousand."""


class Finding(NamedTuple):
    """Something about a policy file that should be changed."""

    level: Level
    code: str
    document: int  # 0: the file as a whole
    path: Path
    place: Place | None
    values: dict[str, str]  # what the texts name
    fix: str | None  # code of what would be right


def walk(document: Document) -> list[Finding]:
    """The errors of a document; none is no proof yet that it is a policy."""
    walker = _Walker(document)
    walker.value(_POLICY, document.content, ())
    return walker.findings


class _Walker:
    def __init__(self, document: Document) -> None:
        self.findings: list[Finding] = []
        self._document = document

    def value(self, kind: types.Type, content: Any, path: Path) -> None:
        match kind:
            case types.UnionType():
                if content is not None:
                    self.value(next(one for one in kind.types if not isinstance(one, types.NoneType)), content, path)
            case types.StructType():
                self._struct(kind, content, path)
            case types.DictType():
                self._dict(kind, content, path)
            case types.ListType():
                self._list(kind, content, path)
            case types.LiteralType():
                self._choice(kind, content, path)
            case types.StrType():
                self._text(kind, content, path)
            case types.IntType():
                self._number(kind, content, path)

    def _struct(self, kind: types.StructType, content: Any, path: Path) -> None:
        if not isinstance(content, dict):
            self._wrong_kind("mapping" if path else "policy", content, path)
            return
        fields = {field.name: field for field in kind.fields}
        for name in content:
            if name not in fields:
                self._unknown(name, list(fields), path)
        for name, field in fields.items():
            if name in content:
                self.value(field.type, content[name], (*path, name))
            elif field.required:
                self._missing(path, name)
        if path == ("windows",):
            for stage in Windows.__struct_fields__:
                if content.get(stage) is None:
                    self._missing(path, stage, "all_windows")
        if kind.cls is Gate:
            self._gate(content, path)

    def _dict(self, kind: types.DictType, content: Any, path: Path) -> None:
        if not isinstance(content, dict):
            self._wrong_kind("mapping", content, path)
            return
        for name, value in content.items():
            below = (*path, name)
            if name == "*" and path[-1] in NAMING:
                self._find("no_wildcard", below, None, {"group": str(path[-1])}, place=self._document.names.get(below))
            elif not re.search(POLICY_ID_PATTERN, name):
                self._find(
                    "no_id", below, "id", {"shown": repr(shortened(name))}, place=self._document.names.get(below)
                )
            self.value(kind.value_type, value, below)

    def _list(self, kind: types.ListType, content: Any, path: Path) -> None:
        if not isinstance(content, list):
            single = isinstance(content, str) or (isinstance(content, dict) and content)
            self._wrong_kind("list", content, path, "in_list" if single else None)
            return
        for index, item in enumerate(content):
            self.value(kind.item_type, item, (*path, index))

    def _choice(self, kind: types.LiteralType, content: Any, path: Path) -> None:
        choices = [str(value) for value in kind.values]
        if isinstance(content, str) and content in choices:
            return
        close = nearest(content, choices) if isinstance(content, str) else None
        fix = "nearest" if close else "only" if len(choices) == 1 else None
        self._find(
            "no_choice",
            path,
            fix,
            self._shown(content, path) | {"choices": ", ".join(choices), "nearest": close or choices[0]},
        )

    def _text(self, kind: types.StrType, content: Any, path: Path) -> None:
        if kind.pattern == DURATION_PATTERN:
            self._duration(content, path)
        elif not isinstance(content, str):
            written = self._document.written.get(path, "")
            quoted = re.search(POLICY_ID_PATTERN, written)
            self._find("read_as", path, "quote" if quoted else "id", self._shown(content, path))
        elif not re.search(POLICY_ID_PATTERN, content):
            self._find("no_id", path, "id", {"shown": repr(shortened(content))})

    def _duration(self, content: Any, path: Path) -> None:
        shown = self._shown(content, path)
        if isinstance(content, str) and re.search(DURATION_PATTERN, content):
            if len(content) > _LONGEST_DURATION or duration_ms(content) > LONGEST_MS:
                self._find("too_long", path, None, shown)
        elif isinstance(content, str):
            fixed = duration_fix(content)
            self._find("no_duration", path, "write" if fixed else "duration", shown | {"right": fixed or ""})
        elif isinstance(content, int) and not isinstance(content, bool) and 0 <= content < LONGEST_MS:
            self._find(
                "no_unit", path, "unit" if content else "write", shown | {"right": str(content) if content else "0s"}
            )
        else:
            self._find("no_duration", path, "duration", shown)

    def _number(self, kind: types.IntType, content: Any, path: Path) -> None:
        shown = self._shown(content, path)
        if not isinstance(content, int) or isinstance(content, bool):
            of_time = str(path[-1]).endswith("_ms")
            meant = time_fix(content) if of_time or isinstance(content, float) else None
            if meant is None:
                plain = isinstance(content, str) and content.strip().isdecimal()
                self._find("no_number", path, "unquote" if plain else "milliseconds" if of_time else None, shown)
            else:
                self._find(
                    "no_number",
                    path,
                    "time" if of_time else "write",
                    shown | {"right": str(meant[0]), "said": meant[1]},
                )
            return
        low = kind.ge if kind.ge is not None else content
        high = kind.lt - 1 if kind.lt is not None else content
        if not low <= content <= high:
            self._find("out_of_range", path, None, shown | {"low": str(low), "high": str(high)})

    def _gate(self, content: dict[str, Any], path: Path) -> None:
        begin, end = content.get("closed_from_ms"), content.get("closed_to_ms")
        if isinstance(begin, int) and isinstance(end, int) and end <= begin:
            place = (*path, "closed_to_ms")
            begins = self._document.written.get((*path, "closed_from_ms"), "")
            self._find("gate_order", place, "gate_order", self._shown(end, place) | {"begin": begins})

    def _unknown(self, name: str, known: list[str], path: Path) -> None:
        below = (*path, name)
        values = {"name": name, "shown": repr(shortened(name)), "known": ", ".join(known)}
        if name in Windows.__struct_fields__ and "windows" in known:
            self._find("unknown", below, "in_windows", values, place=self._document.names.get(below))
        elif close := nearest(name, known):
            self._find("unknown", below, "nearest", values | {"nearest": close}, place=self._document.names.get(below))
        else:
            self._find("unknown", below, "known", values, place=self._document.names.get(below))

    def _missing(self, path: Path, name: str, fix: str | None = None) -> None:
        place = self._document.names.get(path) or self._document.values.get(path)
        self._find("missing", (*path, name), fix, {"name": name}, place=place)

    def _wrong_kind(self, wanted: str, content: Any, path: Path, fix: str | None = None) -> None:
        empty = {"mapping": "{}", "list": "[]"}.get(wanted)
        if path == ("windows",):
            self._find("no_mapping", path, "all_windows", self._shown(content, path))
        elif content is None and empty:
            self._find(f"no_{wanted}", path, "write", self._shown(content, path) | {"right": empty})
        else:
            self._find(f"no_{wanted}", path, fix, self._shown(content, path))

    def _shown(self, content: Any, path: Path) -> dict[str, str]:
        """How something is written, and what it was read as."""
        written = self._document.written.get(path)
        if written is None:
            written = repr(shortened(content)) if isinstance(content, str) else "{...}" if content else "{}"
            if isinstance(content, list):
                written = "[...]" if content else "[]"
        return {"shown": written, "kind": kind_of(content), "name": str(path[-1]) if path else ""}

    def _find(
        self,
        code: str,
        path: Path,
        fix: str | None = None,
        values: dict[str, str] | None = None,
        *,
        place: Place | None = None,
    ) -> None:
        """Note an error; without another place it is where the value stands, or else the document."""
        places = self._document.values
        place = place or places.get(path) or places.get(())
        self.findings.append(Finding("error", code, self._document.number, path, place, values or {}, fix))
