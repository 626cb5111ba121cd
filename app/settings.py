"""Every setting of Redcat: one frozen dataclass, read from the environment and `redcat.toml`, checked as a whole."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from streams.core.policy import duration_ms
from streams.errors import Misconfigured
from streams.rollups import Kept

TOML_FILE = Path("redcat.toml")
SECURITIES = ("plaintext", "tls", "sasl_plaintext", "sasl_tls")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
MOST_PARTITIONS = 1_024
LONGEST_STALL_S = 86_400
MASK = "***"
WHOLE_NUMBERS = ("k_tokens", "partitions", "shards", "stall_s", "bad_percent")


@dataclass(frozen=True, repr=False)
class Settings:
    """The settings in force; construction raises Misconfigured and says which setting to change, and how."""

    kafka: str = "127.0.0.1:9092"  # bootstrap servers, comma separated
    kafka_security: str = "plaintext"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = None
    kafka_ca: Path | None = None
    redis: str = "redis://127.0.0.1:6379/0"  # a comma list of URLs means Redis Cluster
    redis_ca: Path | None = None  # certificates of those who sign, for rediss://; without it the system's
    topic_prefix: str = ""
    group: str = "redcat"
    partitions: int = 4
    shards: int = 1
    policy: Path | None = None
    keep_minutes: str = "3d"  # how long time series by minute are kept, and by hour
    keep_hours: str = "60d"
    http: str = "127.0.0.1:8080"
    metrics: str = "127.0.0.1:0"
    k_tokens: int = 20  # what xhs and platforms see of several merchants' buyers changes in steps of so many tokens
    stall_s: int = 60  # a worker that has something to do and does nothing for so long ends itself
    bad_percent: int = 5  # of the latest records: more bad ones are an alarm
    alert_rules: Path | None = None  # the rules shipped with Redcat, if none
    alert_channels: str = ""  # NAME=URL or NAME[critical]=URL, separated by blanks or line breaks
    alert_secret: str | None = None  # signs webhooks
    alert_language: str | None = None  # of messages: zh or en; without it the locale decides
    public_url: str | None = None  # where people reach the dashboard

    @classmethod
    def from_env(cls, environment: Mapping[str, str], toml_path: Path | None = None) -> "Settings":
        """Settings from `REDCAT_*` variables, then from the file if there is one, then the defaults.

        An empty variable counts as absent.
        """
        values = _from_toml(toml_path) if toml_path and toml_path.exists() else {}
        for field in dataclasses.fields(cls):
            if text := environment.get(_variable(field.name), ""):
                values[field.name] = text
        typed: dict[str, Any] = {name: _typed(name, value) for name, value in values.items()}
        return cls(**typed)

    def __post_init__(self) -> None:
        for address in self.kafka.split(","):
            host_and_port(address, "kafka")
        for name in ("http", "metrics"):
            host_and_port(getattr(self, name), name, lowest_port=0)
        nodes = redis_nodes(self.redis)
        if self.redis_ca:
            _require(nodes[0].scheme == "rediss", "redis_ca", "has no effect without rediss:// in REDCAT_REDIS")
        self._check_kafka_security()
        for name in ("keep_minutes", "keep_hours"):
            _require(re.fullmatch(r"[0-9]{1,6}[smhd]", getattr(self, name)), name, "must be a duration such as 3d")
        _require(re.fullmatch(r"[A-Za-z0-9._-]{0,100}", self.topic_prefix), "topic_prefix", NAME_RULE)
        _require(re.fullmatch(r"[A-Za-z0-9._-]{1,100}", self.group), "group", NAME_RULE)
        _require(1 <= self.stall_s <= LONGEST_STALL_S, "stall_s", f"must be 1 to {LONGEST_STALL_S} seconds")
        _require(0 <= self.bad_percent <= 100, "bad_percent", "must be 0 to 100")
        _require(1 <= self.partitions <= MOST_PARTITIONS, "partitions", f"must be 1 to {MOST_PARTITIONS}")
        _require(1 <= self.k_tokens <= 10_000, "k_tokens", "must be 1 to 10000")
        _require(self.alert_language in (None, "zh", "en"), "alert_language", "must be zh or en")
        web = self.public_url is None or re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", self.public_url)
        _require(web, "public_url", "must be an address such as https://redcat.example.com")
        _require(1 <= self.shards <= self.partitions, "shards", f"must be 1 to the partitions ({self.partitions})")

    @property
    def kept(self) -> Kept:
        """How long time series are kept."""
        return Kept(duration_ms(self.keep_minutes), duration_ms(self.keep_hours))

    def shown(self) -> dict[str, str | int | None]:
        """All settings by name, secrets masked."""
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        values["redis"] = _without_passwords(self.redis)
        for name in ("kafka_sasl_password", "alert_secret"):
            if values[name] is not None:
                values[name] = MASK
        values["alert_channels"] = " ".join(map(_without_address, self.alert_channels.split()))
        return values

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"

    def _check_kafka_security(self) -> None:
        security = self.kafka_security
        _require(security in SECURITIES, "kafka_security", f"must be one of {', '.join(SECURITIES)}")
        sasl = {
            "kafka_sasl_mechanism": self.kafka_sasl_mechanism,
            "kafka_sasl_username": self.kafka_sasl_username,
            "kafka_sasl_password": self.kafka_sasl_password,
        }
        for name, value in sasl.items():
            if security.startswith("sasl_"):
                _require(value, name, f"is needed with {_variable('kafka_security')}={security}")
            else:
                _require(value is None, name, f"has no effect with {_variable('kafka_security')}={security}")
        if self.kafka_sasl_mechanism:
            known = self.kafka_sasl_mechanism in SASL_MECHANISMS
            _require(known, "kafka_sasl_mechanism", f"must be one of {', '.join(SASL_MECHANISMS)}")
        if self.kafka_ca:
            tls = security.endswith("tls")
            _require(tls, "kafka_ca", f"has no effect with {_variable('kafka_security')}={security}")


NAME_RULE = "takes at most 100 letters, digits, dots, hyphens and underscores"


def host_and_port(address: str, setting: str, *, lowest_port: int = 1) -> tuple[str, int]:
    """The parts of `HOST:PORT` or `[IPV6]:PORT`; Misconfigured names the setting."""
    match = re.fullmatch(r"\s*(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]@]+)):(\d{1,5})\s*", address)
    if not match or not lowest_port <= int(match[3]) <= 65_535:
        raise _wrong(setting, f"must be HOST:PORT, not {address!r}")
    return match[1] or match[2], int(match[3])


def redis_nodes(urls: str) -> list[SplitResult]:
    """The split URLs of a Redis, or of the nodes of a Redis Cluster; Misconfigured if they are none or disagree."""
    try:
        nodes = [urlsplit(url.strip()) for url in urls.split(",")]
        good = all(node.scheme in ("redis", "rediss") and node.hostname and node.port != 0 for node in nodes)
    except ValueError:
        good = False
    _require(good, "redis", "must be redis://HOST:PORT/DATABASE or rediss://...; a comma list is a cluster")
    for node in nodes:
        _require(re.fullmatch(r"(/\d{0,5})?", node.path), "redis", "ends in the number of the database, such as /0")
        _require(not node.query and not node.fragment, "redis", "takes no ?options and no #fragment")
    if len(nodes) > 1:
        same = len({(node.scheme, node.username, node.password) for node in nodes}) == 1
        _require(same, "redis", "must have the same scheme and credentials for all nodes of a cluster")
        first = all(node.path in ("", "/", "/0") for node in nodes)
        _require(first, "redis", "must be database 0: a cluster has no other")
    return nodes


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"cannot read {path}: {error}") from error
    known = [field.name for field in dataclasses.fields(Settings)]
    if unknown := sorted(values.keys() - set(known)):
        raise Misconfigured(f"{path} has unknown settings: {', '.join(unknown)}; known are {', '.join(known)}")
    return values


def _typed(name: str, value: object) -> str | int | Path:
    """`value` as the type of the setting: what comes from the environment is text, from the file text or a number."""
    if name in WHOLE_NUMBERS:
        number = isinstance(value, int) and not isinstance(value, bool)
        _require(number or (isinstance(value, str) and re.fullmatch(r"\d{1,9}", value)), name, "must be a whole number")
        return int(str(value))
    _require(isinstance(value, str), name, "must be text in quotes")
    return Path(str(value)) if name in ("kafka_ca", "redis_ca", "policy", "alert_rules") else str(value)


def _require(holds: object, setting: str, rule: str) -> None:
    if not holds:
        raise _wrong(setting, rule)


def _wrong(setting: str, rule: str) -> Misconfigured:
    return Misconfigured(f"{_variable(setting)} (or {setting} in {TOML_FILE}) {rule}")


def _variable(setting: str) -> str:
    return f"REDCAT_{setting.upper()}"


def _without_passwords(urls: str) -> str:
    return ",".join(_without_password(url) for url in urls.split(","))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{MASK}@{parts.netloc.rpartition('@')[2]}"))


def _without_address(channel: str) -> str:
    """A channel's name and the kind of its URL; the rest of it is a secret."""
    match = re.match(r"([A-Za-z0-9_\[\],-]{1,128}=)([a-z0-9+.-]{1,40}://)?", channel)
    return f"{match[1]}{match[2] or ''}{MASK}" if match else MASK
