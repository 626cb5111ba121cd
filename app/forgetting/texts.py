"""What `redcat forget` says, in English and in Chinese; what stands in braces is filled in."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.texts import language_of


class ForgettingTexts(NamedTuple):
    """One language."""

    question: str
    no_terminal: str
    unknown: str
    forgotten_before: str
    done: str


ENGLISH: Final = ForgettingTexts(
    question=(
        "This erases {facts} facts and {orders} orders of this token for good; counters stay as they are. Go on?"
    ),
    no_terminal="redcat: this erases a journey for good: say --yes where nobody can be asked",
    unknown="redcat: nothing is held of this token in {group}: it never came, or its journey expired",
    forgotten_before="redcat: nothing is held of this token in {group}: it was forgotten at {time}",
    done="forgotten: {facts} facts, {orders} orders; recorded under {hash}",
)

CHINESE: Final = ForgettingTexts(
    question="将永久删除该 token 的 {facts} 个事实和 {orders} 个订单，计数保持不变。继续吗？",
    no_terminal="redcat：此操作将永久删除一条旅程；无法询问时请加 --yes",
    unknown="redcat：{group} 中没有该 token 的任何内容：从未到达，或旅程已过期",
    forgotten_before="redcat：{group} 中没有该 token 的任何内容：已于 {time} 遗忘",
    done="已遗忘：{facts} 个事实，{orders} 个订单；记录于 {hash}",
)


def forgetting_texts(language: str | None, environment: Mapping[str, str]) -> ForgettingTexts:
    """The texts of `language` ("zh" or "en"), else of the locale that the environment names."""
    return CHINESE if language_of(language, environment) == "zh" else ENGLISH
