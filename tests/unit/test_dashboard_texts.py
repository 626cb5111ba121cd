"""Both languages of the dashboard say the same things."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from app.dashboard.frame import NAVIGATION
from app.dashboard.texts import Texts
from app.dashboard.texts_en import ENGLISH
from app.dashboard.texts_zh import CHINESE
from app.dashboard.views.notes import COLUMNS
from app.dashboard.views.scope import METRICS
from streams.core.credit import FURTHER

CHINESE_SIGNS: Final = re.compile("[\u4e00-\u9fff]")
IN_BRACES: Final = re.compile(r"{(\w+)}")


def sayings(texts: Texts) -> Iterator[tuple[str, str]]:
    """Everything that is said, by its name."""
    for name, value in texts._asdict().items():
        yield from [(name, value)] if isinstance(value, str) else ((f"{name}.{key}", one) for key, one in value.items())


def test_both_languages_say_the_same_things() -> None:
    assert [name for name, _ in sayings(ENGLISH)] == [name for name, _ in sayings(CHINESE)]


@pytest.mark.parametrize(("name", "english"), [*sayings(ENGLISH)])
def test_both_languages_are_filled_with_the_same(name: str, english: str) -> None:
    chinese = dict(sayings(CHINESE))[name]

    assert sorted(IN_BRACES.findall(english)) == sorted(IN_BRACES.findall(chinese))
    assert english.strip()
    assert chinese.strip()


def test_english_has_no_chinese_but_the_name_of_the_other_language() -> None:
    assert [name for name, text in sayings(ENGLISH) if CHINESE_SIGNS.search(text)] == ["other_language"]


def test_everything_that_is_looked_up_by_name_has_its_text() -> None:
    drawn = {metric for metrics in METRICS.values() for metric in metrics}
    for texts in (ENGLISH, CHINESE):
        assert texts.counters.keys() >= drawn | {*COLUMNS}
        assert texts.nav.keys() == NAVIGATION.keys()
        assert texts.reasons.keys() == {"no_click", *FURTHER}
        assert len(texts.themes.split("|")) == 3
