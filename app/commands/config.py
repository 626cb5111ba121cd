"""`redcat config`."""

import json
import os
from typing import Annotated

import typer

from app.settings import TOML_FILE, Settings


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the settings in force, secrets masked: environment first, then redcat.toml, then the defaults."""
    shown = Settings.from_env(os.environ, TOML_FILE).shown()
    if as_json:
        print(json.dumps(shown))
        return
    for name, value in shown.items():
        print(f"REDCAT_{name.upper()}={'' if value is None else value}")
