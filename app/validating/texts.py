"""What `redcat validate` says, in English and in Chinese."""
# ruff: noqa: RUF001  # the punctuation of Chinese is meant

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.texts import language_of


class ValidationTexts(NamedTuple):
    """One language; what stands in braces is filled in."""

    summary: str
    nothing: str
    topic: str
    records: str
    valid: str
    invalid: str
    repeated: str
    errors: str
    warnings: str
    records_of: str
    more_kinds: str
    line: str
    no_key: str
    no_value: str
    decoder: str
    units: Mapping[str, str]
    codes: Mapping[str, str]
    about: Mapping[str, str]
    meant: str
    forgetful: str
    checking: str
    checking_kib: str


ENGLISH: Final = ValidationTexts(
    summary="{source}: {records} records, {invalid} invalid ({share})",
    nothing="{source}: no records",
    topic="topic",
    records="records",
    valid="valid",
    invalid="invalid",
    repeated="repeated",
    errors="Errors: these records would be refused (dead letters)",
    warnings="Warnings: this is probably not meant",
    records_of="{count} ({share})",
    more_kinds="and {kinds} more kinds, {records} records; --json tells all",
    line="line {number}",
    no_key="no key",
    no_value="no value",
    decoder="decoder: {message}",
    units={"seconds": "seconds", "microseconds": "microseconds", "nanoseconds": "nanoseconds"},
    codes={
        "bad_line": 'the line is no record: it must be {{"topic": NAME, "value": OBJECT}}, or with --topic a value',
        "too_large": "the value is larger than 64 KiB",
        "not_json": "the value is not a JSON object in UTF-8",
        "missing_field": "{field}: needed, but absent or null",
        "bad_field": "{field}: such a value is not allowed",
        "key_mismatch": "the record's key must be its {key}",
    },
    about={
        "conflict": "an event_id comes again with another content: only one of them counts",
        "spelling": "nobody reads {subject}",
        "time_unit": "{subject} seems to be in {meant}; it must be in milliseconds since 1970 UTC",
        "platform": "no policy lists the platform {subject}: such clicks are refused, and nothing is credited",
        "no_click": "orders whose token has no click-out here: unless it comes from elsewhere, nothing is credited",
        "currencies": "an order in several currencies ({subject}): steps in another one than its payment's are ignored",
        "two_tokens": "an order_id under several tokens: each token's part is an order of its own",
        "partition": "not in the partition of its key (murmur2, Java's default): taken, but by a detour",
    },
    meant="; is {meant} meant?",
    forgetful="Too many records to remember all: warnings that concern several at once may be missing.",
    checking="checking",
    checking_kib="checking (KiB)",
)

CHINESE: Final = ValidationTexts(
    summary="{source}：{records} 条记录，{invalid} 条无效（{share}）",
    nothing="{source}：没有记录",
    topic="主题",
    records="记录",
    valid="有效",
    invalid="无效",
    repeated="重复",
    errors="错误：这些记录会被拒收（进入死信）",
    warnings="警告：这些记录很可能并非本意",
    records_of="{count} 条（{share}）",
    more_kinds="另有 {kinds} 类，共 {records} 条；--json 输出全部",
    line="第 {number} 行",
    no_key="无键",
    no_value="无内容",
    decoder="解码器：{message}",
    units={"seconds": "秒", "microseconds": "微秒", "nanoseconds": "纳秒"},
    codes={
        "bad_line": '该行不是记录：应为 {{"topic": 主题, "value": 对象}}，或配合 --topic 只写内容',
        "too_large": "内容超过 64 KiB",
        "not_json": "内容不是 UTF-8 编码的 JSON 对象",
        "missing_field": "{field}：必填，但缺失或为 null",
        "bad_field": "{field}：值不符合要求",
        "key_mismatch": "记录的键必须是其 {key}",
    },
    about={
        "conflict": "同一 event_id 再次出现且内容不同：只有一条有效",
        "spelling": "字段 {subject} 不会被读取",
        "time_unit": "{subject} 的单位似乎是{meant}，应为 1970 年（UTC）以来的毫秒数",
        "platform": "策略中没有平台 {subject}：其点击会被拒计，也不会归因",
        "no_click": "订单的 token 在此处没有站外点击：除非点击来自别处，否则不会归因",
        "currencies": "同一订单有多种币种（{subject}）：与付款币种不同的步骤会被忽略",
        "two_tokens": "同一 order_id 出现在多个 token 下：各 token 的部分会被当作不同的订单",
        "partition": "不在其键所属的分区（murmur2，Java 默认）：仍会处理，但要绕行",
    },
    meant="，是否应为 {meant}？",
    forgetful="记录过多，无法全部记住：涉及多条记录的警告可能有遗漏。",
    checking="正在检查",
    checking_kib="正在检查（KiB）",
)


def validation_texts(language: str | None, environment: Mapping[str, str]) -> ValidationTexts:
    """The texts of `language` ("zh" or "en"), else of the locale that the environment names."""
    return CHINESE if language_of(language, environment) == "zh" else ENGLISH
