"""The console script `redcat`: the table of commands, and what an error looks like to the one who typed it."""

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple, NoReturn

import typer

from app.logs import set_up_logs
from streams.errors import Misconfigured, RedcatError

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class Command(NamedTuple):
    """A command's name, the module whose `command` it is (a function or a typer.Typer), and one line of help."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("demo", "app.commands.demo", "Servers, traffic, worker, live counters and proof at once."),
    Command("stack", "app.commands.stack", "The embedded Kafka and Valkey: up and down."),
    Command("topics", "app.commands.topics", "Make the topics that Redcat needs; copy them into others."),
    Command("worker", "app.commands.worker", "Join, count and publish until stopped; any number may run."),
    Command("simulate", "app.commands.simulate", "Send seeded traffic with known truth into Kafka."),
    Command("replay", "app.commands.replay", "Send recorded traffic into Kafka."),
    Command("counters", "app.commands.counters", "Show the counters of notes."),
    Command("explain", "app.commands.explain", "Tell why the results of a token came out so."),
    Command("audit", "app.commands.audit", "Check that everything that is remembered fits together."),
    Command("forget", "app.commands.forget", "Erase the journey of a token; what it counted stays."),
    Command("rebuild", "app.commands.rebuild", "Make all of it anew from the topics, beside what is there."),
    Command("results", "app.commands.results", "Show the published results: as they come, or as they stand."),
    Command("dlq", "app.commands.dlq", "Look at dead letters and replay them."),
    Command("schemas", "app.commands.schemas", "JSON Schemas of the records that are read and written."),
    Command("validate", "app.commands.validate", "Check a producer's records, from a file or in Kafka."),
    Command("conformance", "app.commands.conformance", "Try a consumer of results that others wrote."),
    Command("policy", "app.commands.policy", "Check policies, and compare them."),
    Command("alerts", "app.commands.alerts", "Rules that watch for drops: check them, try them, run them."),
    Command("serve", "app.commands.serve", "The HTTP API and the dashboard."),
    Command("keys", "app.commands.keys", "Who may see what: keys of parties."),
    Command("config", "app.commands.config", "Show the settings in force, secrets masked."),
)


def main() -> None:
    """Run the command that the arguments name; exit status 0 good, 1 failed, 2 wrong use, 130 interrupted."""
    set_up_logs()
    try:
        build(sys.argv[1:])()
    except KeyboardInterrupt:  # while a command is still being imported; later typer sees it first
        sys.exit(INTERRUPTED)
    except RedcatError as error:
        _fail(error)
    except ExceptionGroup as group:
        expected, unexpected = group.split(RedcatError)
        if expected is None or unexpected is not None:
            raise
        _fail(_first(expected))


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with only the module of the command that `arguments` begin with imported."""
    cli = typer.Typer(
        name="redcat",
        help="Measure, live and exactly, what every note brings: clicks, shop entries, orders and money.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    cli.callback()(_root)
    for command in COMMANDS:
        if command.name in arguments[:1]:
            _add(cli, command)
        else:
            cli.command(command.name, help=command.help)(_not_called)
    return cli


def _add(cli: typer.Typer, command: Command) -> None:
    target: Any = importlib.import_module(command.module).command
    if isinstance(target, typer.Typer):
        cli.add_typer(target, name=command.name, help=command.help, no_args_is_help=True)
    else:
        cli.command(command.name)(target)


def _not_called() -> None:
    """Stand in for the commands that were not asked for, so that `--help` lists them without importing them."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"redcat {version('redcat')}")
        raise typer.Exit


def _root(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Options of `redcat` itself."""


def _first(group: ExceptionGroup[RedcatError]) -> RedcatError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _fail(error: RedcatError) -> NoReturn:
    print(f"redcat: {error}", file=sys.stderr)
    sys.exit(WRONG_USE if isinstance(error, Misconfigured) else FAILED)
