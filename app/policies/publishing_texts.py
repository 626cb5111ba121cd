"""What `redcat policy publish` and `show` say, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from typing import Final, NamedTuple


class PublishingTexts(NamedTuple):
    """One language; what stands in braces is filled in."""

    published: str
    known: str
    contradicted: str
    retroactive: str
    restate: str
    waiting: str
    entered: str
    late: str
    version: str
    start: str
    origin: str
    own: str
    topic: str
    lanes: str
    restating: str
    always: str
    none: str
    problem: str
    unknown: str


ENGLISH: Final = PublishingTexts(
    published="published: policies {versions}; workers take them up within a second or two: `redcat policy show`",
    known="in force already: policies {versions}",
    contradicted="policy {version} is in force with another content: give the new one a new version",
    retroactive=(
        "policy {version} holds from {start} on, but clicks up to {latest} have been counted already: publish it with "
        "--restate to have what is still held computed anew, or let it start later"
    ),
    restate="what is still held is computed anew under policies {versions} while traffic goes on",
    waiting="policies enter the lanes",
    entered="in force in all {lanes} lanes",
    late="not in force in all lanes within {seconds} s: is a worker running?",
    version="version",
    start="holds from",
    origin="came by",
    own="file of the first worker",
    topic="publishing",
    lanes="lanes",
    restating="restating",
    always="the beginning",
    none="no policy has been put into force yet: the first worker brings its own (REDCAT_POLICY)",
    problem="record {offset} in partition {partition} of the policy topic has no effect: {problem}",
    unknown="there is no policy {version}; in force are {versions}",
)
CHINESE: Final = PublishingTexts(
    published="已发布策略 {versions}；各工作进程一两秒内采用：`redcat policy show`",
    known="早已生效：策略 {versions}",
    contradicted="策略 {version} 已以另一内容生效：请为新策略取新的版本号",
    retroactive=(
        "策略 {version} 自 {start} 起生效，而截至 {latest} 的点击已经计入：加上 --restate 发布，"
        "仍保留的旅程将按新策略重算；或者让它晚些生效"
    ),
    restate="仍保留的旅程将按策略 {versions} 重算，数据照常流动",
    waiting="策略正在各通道生效",
    entered="已在全部 {lanes} 条通道生效",
    late="{seconds} 秒内未在全部通道生效：有工作进程在运行吗？",
    version="版本",
    start="生效时间",
    origin="来源",
    own="首个工作进程的文件",
    topic="发布",
    lanes="通道",
    restating="重算中",
    always="最初",
    none="尚无生效的策略：首个工作进程会带来自己的策略（REDCAT_POLICY）",
    problem="策略主题分区 {partition} 的记录 {offset} 不起作用：{problem}",
    unknown="没有策略 {version}；生效的有 {versions}",
)


def publishing_texts(language: str) -> PublishingTexts:
    """The texts of zh or en."""
    return CHINESE if language == "zh" else ENGLISH
