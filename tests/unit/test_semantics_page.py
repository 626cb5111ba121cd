"""docs/semantics.md: every story that it links to exists, no story module is left out, and its example is current."""

import importlib
import re
from pathlib import Path

import pytest

from app.explaining.explanation import explained
from app.explaining.texts_en import ENGLISH
from tests.behaviour.example import EXAMPLE
from tests.behaviour.stories import STORIES
from tests.unit.shelf import Shelf, written

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "semantics.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", PAGE)
TO_STORIES = [(text, target) for text, target in LINKS if "/behaviour/" in target]


@pytest.mark.parametrize(("text", "target"), TO_STORIES, ids=[text for text, _ in TO_STORIES])
def test_a_link_leads_to_the_story_of_that_name(text: str, target: str) -> None:
    path = (DOCS / target).resolve()
    assert path.exists()
    module = importlib.import_module(f"tests.behaviour.{path.stem}")
    assert text in {story.name for story in module.STORIES}


def test_every_other_link_leads_to_a_page() -> None:
    others = [target for _, target in LINKS if "/behaviour/" not in target]
    assert [target for target in others if not (DOCS / target).exists()] == []


def test_stories_of_every_module_are_told() -> None:
    told = {text for text, _ in TO_STORIES}
    for name in ("acceptance", "crediting", "facts", "money", "nearest", "orders", "settings", "traps", "example"):
        module = importlib.import_module(f"tests.behaviour.{name}")
        assert told & {story.name for story in module.STORIES}
    assert told <= {story.name for story in STORIES}


async def test_the_example_is_what_the_command_tells() -> None:
    found = await explained(Shelf(EXAMPLE.policies).put(EXAMPLE.records), "t1")
    assert found is not None
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert block == written(found, ENGLISH)
