"""Alerts reach a real Alertmanager, Debian's: they fire there, stay one alert, and end."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.alerts.channels.making import make_channel
from app.alerts.channels.specification import ChannelSpecification
from app.local_stack.server_process import free_port
from tests.unit.alert_messages import message
from tests.waiting import until

PATIENCE_S = 30


def binary() -> str:
    """The server, under Debian's name or its own."""
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must test against Alertmanager: install prometheus-alertmanager")
    if found is None:
        pytest.skip("no prometheus-alertmanager on this machine")
    return found


@asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[str]:
    """Its URL, with a prefix as behind a proxy."""
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        binary(), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--web.route-prefix=/am", "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}/am"
    finally:
        process.kill()
        await process.wait()


async def known(client: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """The alerts that fire there; waits for the server."""

    async def asked() -> httpx.Response:
        return (await client.get(f"{url}/api/v2/alerts")).raise_for_status()

    answer = await until(asked, patience_s=PATIENCE_S, not_yet=(httpx.TransportError, httpx.HTTPStatusError))
    return list(answer.json())


async def test_an_alert_fires_is_repeated_and_ends(tmp_path: Path) -> None:
    async with alertmanager(tmp_path) as url, httpx.AsyncClient() as client:
        assert await known(client, url) == []
        everything = frozenset(("info", "warning", "critical"))
        channel = make_channel(ChannelSpecification("am", f"alertmanager+{url}", everything), None)  # type: ignore[arg-type]

        await channel.send(message())
        await channel.send(message(event="repeated", message_id="m2"))
        (alert,) = await known(client, url)

        assert alert["labels"] == {
            "alertname": "entry-rate", "alert_id": "a1", "scope": "note", "id": "n1", "metric": "entry_rate",
            "severity": "critical", "service": "redcat",
        }  # fmt: skip
        assert alert["annotations"]["description"] == "clicks lead nowhere"
        assert alert["generatorURL"] == "https://redcat.example/notes/n1"
        await channel.send(message(event="resolved", state="resolved", message_id="m3"))
        assert await known(client, url) == []
        await channel.close()
