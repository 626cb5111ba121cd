"""`redcat alerts`: rules, what they would have said, and what they say."""

import os
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from app.alerts.rules_checking import check_rules
from app.alerts.rules_file import read_rules_text
from app.commands import alerts_ask, alerts_run
from app.commands.alerts_backtest import backtest, tune
from app.policies.checking_texts import check_texts, path_text
from app.texts import language_of

FAILED: Final = 1

command = typer.Typer()
command.command("backtest")(backtest)
command.command("tune")(tune)

Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]


@command.callback()
def _group() -> None:
    """Alerts on conversion drops: check rules, try them on history, run them."""


@command.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A rules file; without it the rules shipped with Redcat.")] = None,
    lang: Lang = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"good", "rules", "errors": [...]}.')] = False,
) -> None:
    """Tell everything that is wrong with a rules file, with its place; exit status 1 if anything is."""
    text, source = read_rules_text(file)
    rules, findings = check_rules(text, check_texts(language_of(lang, os.environ)))
    if as_json:
        errors = [
            {"path": path_text(one.path), "line": place.line if (place := one.place) else None,
             "column": place.column if place else None, "problem": one.problem}
            for one in findings
        ]  # fmt: skip
        names = [rule.name for rule in rules.rules] if rules else []
        print(orjson.dumps({"good": rules is not None, "rules": names, "errors": errors}).decode())
    else:
        for finding in findings:
            print(finding.line(source))
        print(f"good: {len(rules.rules)} rules" if rules else f"errors: {len(findings)}")
    if findings:
        raise typer.Exit(FAILED)


command.command()(alerts_run.run)
command.command("test")(alerts_run.try_channel)
command.command("list")(alerts_ask.show)
for _command in (alerts_ask.silence, alerts_ask.unsilence, alerts_ask.ack):
    command.command()(_command)
