"""What operations.md says of errors and reasons is what the program says."""

import re
from typing import get_args

import pytest

from app.health.readiness import Code
from tests.deploy.names import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for folder in ("streams", "app") for path in (ROOT / folder).rglob("*.py")
)
# A text that goes on in the next line is one text.
JOINED = re.sub(r'"\n\s*f?"', "", SOURCES)


def section(title: str) -> str:
    """The text below a heading."""
    return re.split(r"^## ", PAGE.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """The first cells of a table."""
    return [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]


ERRORS = [
    part.strip(" `")
    for cell in first_cells(section("Errors that stop a lane or a worker"))
    for part in re.split(r"`, `|` \.\.\. `", cell)
]


@pytest.mark.parametrize("message", ERRORS)
def test_an_error_of_the_page_is_one_of_the_program(message: str) -> None:
    assert message in JOINED


def test_there_is_a_table_of_errors() -> None:
    assert len(ERRORS) > 20


def test_every_reason_for_not_being_ready_is_explained() -> None:
    told = {
        name
        for cell in first_cells(section("What a worker says about itself"))
        for name in re.findall(r"`(\w+)`", cell)
    }

    assert told == set(get_args(Code))


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
