"""`python -m tests.integration.api_fuzz`: schemathesis makes up requests from the OpenAPI document, thousands of them.

The tests do the same with a few for each path.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from app.connections import redis_address
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.redis_store.link import dialler
from app.redis_store.party_keys import PartyKey, PartyKeys
from app.settings import Settings
from app.viewing.model import now_ms
from tests.integration.absorbed import absorb
from tests.integration.served import GROUP, HOUR_MS, outgoing, world
from tests.integration.workers import start, until_ready

KEY: Final = "rck_fuzz"
CHECKS: Final = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "unsupported_method", "ignored_auth"),
)
PHASES: Final = "examples,coverage,fuzzing"
READY_S: Final = 60.0


async def fuzz(redis_url: str, *, examples: int, seed: int, phases: str = PHASES) -> tuple[int, str]:
    """Exit status and report of schemathesis after so many requests for each operation."""
    settings = Settings(redis=redis_url, group=GROUP, http=f"127.0.0.1:{free_port()}", k_tokens=1)
    await absorb(settings, outgoing(world(now_ms() - 2 * HOUR_MS)))
    link = await dialler(redis_address(settings))(0)
    await PartyKeys(link, settings.group).add(KEY, PartyKey("fuzz", "admin", "", 0))
    link.close()
    server = await start(settings, "serve")
    try:
        await until_ready(settings, READY_S)
        return await _run(
            str(Path(sys.executable).parent / "schemathesis"), "run", f"http://{settings.http}/openapi.json",
            "--header", f"Authorization: Bearer {KEY}", "--checks", ",".join(CHECKS), "--max-examples", str(examples),
            "--seed", str(seed), "--exclude-path", "/v1/stream", "--phases", phases,
            "--no-color", "--request-timeout", "30",
        )  # fmt: skip
    finally:
        server.terminate()
        await server.communicate()


async def _run(*command: str) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:  # where schemathesis keeps what it found
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def _valkey() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(free_port(), Path(folder))
        await server.start()
        try:
            yield server.url
        finally:
            await server.stop()


async def _main(examples: int, seed: int) -> int:
    async with _valkey() as url:
        status, report = await fuzz(url, examples=examples, seed=seed)
    print(report)
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make up requests from the OpenAPI document.")
    parser.add_argument("--examples", type=int, default=300, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(_main(options.examples, options.seed)))
