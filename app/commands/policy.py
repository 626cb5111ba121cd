"""`redcat policy`: look at policies, compare them, and put them into force."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from app.commands.policy_publish import publish_policies, show_policies
from app.explaining.times import zone
from app.policies.checking import Checked, check_policies
from app.policies.checking_texts import CheckTexts, check_texts, fix, line, path_text, problem
from app.policies.diff import Change, Difference, difference
from app.policies.diff_boxes import ALL, Scope
from app.policies.diff_texts import diff_texts, told
from app.policies.file import read_policies, read_text
from app.texts import language_of

FAILED: Final = 1

command = typer.Typer()
command.command("publish")(publish_policies)
command.command("show")(show_policies)

Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]


@command.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy file: YAML, one document per version; or JSON.")],
    lang: Lang = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"good", "versions", "errors", "warnings", "findings": [...]}.')
    ] = False,
) -> None:
    """Tell everything that is wrong with a policy file, with its place and what would be right.

    Errors make the file unusable (exit status 1); warnings name what has no effect.
    """
    checked, words = check_policies(read_text(file)), check_texts(language_of(lang, os.environ))
    if as_json:
        print(orjson.dumps(_json(checked, words)).decode())
    else:
        _print(checked, str(file), words)
    if checked.errors:
        raise typer.Exit(FAILED)


@command.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A policy file.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The policy file that is to take its place.")],
    lang: Lang = None,
    tz: Annotated[str | None, typer.Option(help="Time zone, such as Asia/Shanghai; without it the machine's.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"differ", "periods": [...], "rewritten": [...], "kept"}.')
    ] = False,
) -> None:
    """Tell in words what B changes for which clicks, compared with A: from when on, where, from what to what.

    Spelling, order and comments make no difference, only what comes of them.  The exit status is 0 either way.
    """
    at = zone(tz)
    found = difference(read_policies(before), read_policies(after))
    if as_json:
        print(orjson.dumps(_diff_json(found)).decode())
        return
    for text in told(found, diff_texts(language_of(lang, os.environ)), at):
        print(text)


def _diff_json(found: Difference) -> dict[str, Any]:
    return {
        "differ": bool(found),
        "periods": [
            {
                "from_ms": period.from_ms,
                "to_ms": period.to_ms,
                "version": {"before": period.before, "after": period.after},
                "changes": [_change_json(change) for change in period.changes],
            }
            for period in found.periods
        ],
        "rewritten": found.rewritten,
        "kept": found.kept and {"before": found.kept[0]._asdict(), "after": found.kept[1]._asdict()},
    }


def _change_json(change: Change) -> dict[str, Any]:
    """A change; scopes that hold everywhere are null."""
    link, note_kind = change.origin or (None, None)
    scopes = {name: _scope_json(getattr(change, name)) for name in ("platforms", "categories", "campaigns")}
    values = {"before": change.before, "after": change.after}
    return {"what": change.what, "stage": change.stage, "link": link, "note_kind": note_kind, **scopes, **values}


def _scope_json(scope: Scope) -> dict[str, Any] | None:
    if scope == ALL:
        return None
    return {"all_but" if scope.all_but else "only": scope.names, "except": scope.exceptions}


def _print(checked: Checked, source: str, words: CheckTexts) -> None:
    for finding in checked.findings:
        print(line(finding, source, words))
    if checked.errors:
        print(words.bad.format(errors=checked.errors, warnings=checked.warnings))
    else:
        print(words.good.format(versions=", ".join(map(str, _versions(checked))), warnings=checked.warnings))


def _json(checked: Checked, words: CheckTexts) -> dict[str, Any]:
    return {
        "good": not checked.errors,
        "versions": _versions(checked),
        "errors": checked.errors,
        "warnings": checked.warnings,
        "findings": [
            {
                "level": finding.level,
                "code": finding.code,
                "document": finding.document,
                "path": path_text(finding.path),
                "line": finding.place.line if finding.place else None,
                "column": finding.place.column if finding.place else None,
                "problem": problem(finding, words),
                "fix": fix(finding, words),
            }
            for finding in checked.findings
        ],
    }


def _versions(checked: Checked) -> list[int]:
    return sorted({policy.version for policy in checked.policies})
