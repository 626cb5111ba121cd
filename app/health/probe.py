"""`python -m app.health.probe [metrics | http] [/live | /ready]`: ask a process of this machine, for containers.

Exit status 0 when it answers 200, 1 when it answers something else or nothing, 2 for wrong use.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

from app.settings import TOML_FILE, Settings, host_and_port
from streams.errors import Misconfigured

PATIENCE_S: Final = 5.0
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where a server listens, and where it is asked


def probe(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit status."""
    match arguments:
        case []:
            setting, path = "metrics", "/live"
        case ["metrics" | "http" as setting, ("/live" | "/ready") as path]:
            pass
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    try:
        address = getattr(Settings.from_env(environment, TOML_FILE), setting)
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    host, port = host_and_port(address, setting, lowest_port=0)
    connection = HTTPConnection(EVERYWHERE.get(host, host), port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        print(answer.read().decode(errors="replace").strip())
        return int(answer.status != HTTPStatus.OK)
    except (OSError, HTTPException) as error:
        print(f"{path} at {address}: {error}")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(probe(sys.argv[1:], os.environ))
