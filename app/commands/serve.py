"""`redcat serve`."""

import asyncio
import os

import uvloop

from app.logs import set_up_logs
from app.quick_start import quick_start
from app.settings import TOML_FILE, Settings

with quick_start():
    from app.serving import serve


def command() -> None:
    """Serve the HTTP API and the dashboard at REDCAT_HTTP until Ctrl-C or SIGTERM; any number may run.

    Everything shown comes from Redis.  Who may see what is said by keys (`redcat keys`); without any, only this machine
    can be served, and sees all.
    """
    set_up_logs()
    settings = Settings.from_env(os.environ, TOML_FILE)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
