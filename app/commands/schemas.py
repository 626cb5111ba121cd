"""`redcat schemas`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.schemas.compatibility import breaks
from app.schemas.generation import INPUTS, OUTPUTS, all_schemas, as_text, read_schemas, write_schemas

BROKEN = 1


def command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print the schema of this record.")] = None,
    write: Annotated[Path | None, typer.Option(help="Write every schema to this folder, as NAME.json.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare with the schemas in this folder; status 1 if a promise is broken.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: all schemas, or the breaks.")] = False,
) -> None:
    """JSON Schemas of the records that Redcat reads and writes; without arguments their names."""
    if sum(choice is not None for choice in (name, write, against)) > 1:
        raise typer.BadParameter("NAME, --write and --against exclude each other")
    if write is not None:
        write_schemas(write)
    elif against is not None:
        _compare(against, as_json=as_json)
    elif name is not None:
        _print(name)
    elif as_json:
        print(json.dumps(all_schemas(), ensure_ascii=False))
    else:
        _list()


def _print(name: str) -> None:
    schemas = all_schemas()
    if name not in schemas:
        raise typer.BadParameter(f"{name} is none of {', '.join(schemas)}", param_hint="NAME")
    print(as_text(schemas[name]), end="")


def _compare(folder: Path, *, as_json: bool) -> None:
    found = list(breaks(read_schemas(folder), all_schemas(), outputs={record.name for record in OUTPUTS}))
    if as_json:
        print(json.dumps({"breaks": found}, ensure_ascii=False))
    else:
        print("\n".join(found) or "every promise of the released schemas is kept")
    if found:
        raise typer.Exit(BROKEN)


def _list() -> None:
    for records, direction in ((INPUTS, "read"), (OUTPUTS, "written")):
        for record in records:
            print(f"{record.name:20} {direction:8} {record.title}")
