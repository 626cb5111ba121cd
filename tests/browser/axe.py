"""axe-core looks for what people with disabilities would stumble over; from the npm registry, by its checksum."""

import asyncio
import base64
import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page

PACKAGE: Final = "axe-core@4.10.3"
SHA512: Final = "Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg=="
MEMBER: Final = "package/axe.min.js"
SEVERE: Final = ("serious", "critical")


async def axe_script(folder: Path) -> str:
    """The script; the test is skipped where npm cannot bring it, but never in CI."""
    npm = shutil.which("npm")
    packed = folder / "axe-core-4.10.3.tgz"
    if npm is not None:
        process = await asyncio.create_subprocess_exec(
            npm, "pack", PACKAGE, "--silent", cwd=folder, stdout=asyncio.subprocess.DEVNULL
        )
        await process.wait()
    if not packed.exists() and os.environ.get("CI"):
        pytest.fail(f"CI must look for barriers: `npm pack {PACKAGE}` brought nothing")
    if not packed.exists():
        pytest.skip("npm does not bring axe-core here")
    found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert found == SHA512, "this is not the axe-core that was looked at"
    with tarfile.open(packed) as archive:
        script = archive.extractfile(MEMBER)
        assert script is not None
        return script.read().decode()


async def barriers(page: Page, script: str) -> list[str]:
    """The serious findings on a page: rule, and the first element that it is about."""
    await page.evaluate(script)
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SEVERE
    ]
