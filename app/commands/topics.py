"""`redcat topics`."""

import asyncio
import dataclasses
import json
import os
from typing import Annotated

import typer

from app.commands.topics_compare import compare
from app.commands.topics_copy import copy
from app.settings import TOML_FILE, Settings
from app.topic_admin import create_topics

command = typer.Typer()


@command.command()
def create(
    partitions: Annotated[int | None, typer.Option(help="Instead of REDCAT_PARTITIONS.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"created": [NAME, ...]}.')] = False,
) -> None:
    """Make the topics that are missing; refuse wrong partition counts; alter none."""
    settings = Settings.from_env(os.environ, TOML_FILE)
    if partitions is not None:
        settings = dataclasses.replace(settings, partitions=partitions)
    created = asyncio.run(create_topics(settings))
    if as_json:
        print(json.dumps({"created": created}))
    else:
        print(f"created {', '.join(created)}" if created else "all topics are there")


command.command("copy")(copy)
command.command("compare")(compare)
