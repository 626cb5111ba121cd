"""Settings come from the environment and the file, and bad ones say what to change."""

from pathlib import Path

import pytest

from app.connections import kafka_options, redis_address
from app.settings import Settings
from streams.errors import Misconfigured

SASL = {
    "REDCAT_KAFKA_SECURITY": "sasl_tls",
    "REDCAT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "REDCAT_KAFKA_SASL_USERNAME": "redcat",
    "REDCAT_KAFKA_SASL_PASSWORD": "hunter2",
}
CLUSTER = "redis://r1:7000,redis://r2:7001"

BAD = [
    ("kafka without port", {"REDCAT_KAFKA": "broker"}, "REDCAT_KAFKA .*HOST:PORT, not 'broker'"),
    ("one of several brokers without port", {"REDCAT_KAFKA": "a:9092,b"}, "not 'b'"),
    ("kafka as URL", {"REDCAT_KAFKA": "kafka://a:9092"}, "HOST:PORT"),
    ("port out of range", {"REDCAT_KAFKA": "a:70000"}, "HOST:PORT"),
    ("port 0 where one must be known", {"REDCAT_KAFKA": "a:0"}, "HOST:PORT"),
    ("unknown security", {"REDCAT_KAFKA_SECURITY": "ssl"}, "one of plaintext, tls, sasl_plaintext, sasl_tls"),
    ("sasl without mechanism", {"REDCAT_KAFKA_SECURITY": "sasl_tls"}, "REDCAT_KAFKA_SASL_MECHANISM .*is needed"),
    ("unknown mechanism", SASL | {"REDCAT_KAFKA_SASL_MECHANISM": "GSSAPI"}, "one of PLAIN"),
    ("password that would not be sent", {"REDCAT_KAFKA_SASL_PASSWORD": "x"}, "_PASSWORD .*has no effect"),
    ("authority without TLS", {"REDCAT_KAFKA_CA": "ca.pem"}, "REDCAT_KAFKA_CA .*has no effect"),
    ("authority of Redis without TLS", {"REDCAT_REDIS_CA": "ca.pem"}, "REDCAT_REDIS_CA .*has no effect"),
    ("redis without scheme", {"REDCAT_REDIS": "127.0.0.1:6379"}, "REDCAT_REDIS .*must be redis://"),
    ("redis with impossible port", {"REDCAT_REDIS": "redis://a:99999"}, "REDCAT_REDIS .*must be redis://"),
    ("redis with half an IPv6 address", {"REDCAT_REDIS": "redis://[::1"}, "REDCAT_REDIS .*must be redis://"),
    ("redis database that is no number", {"REDCAT_REDIS": "redis://a:6379/main"}, "number of the database"),
    ("redis options", {"REDCAT_REDIS": "redis://a:6379/0?db=1"}, "no .options"),
    ("cluster with a database", {"REDCAT_REDIS": "redis://a:1/1,redis://b:1/1"}, "database 0"),
    ("cluster of two minds", {"REDCAT_REDIS": "redis://a:1,rediss://b:1"}, "same scheme"),
    ("prefix that no topic may have", {"REDCAT_TOPIC_PREFIX": "a/b"}, "REDCAT_TOPIC_PREFIX"),
    ("group that breaks Redis keys", {"REDCAT_GROUP": "{a}"}, "REDCAT_GROUP"),
    ("no partitions", {"REDCAT_PARTITIONS": "0"}, "REDCAT_PARTITIONS .*must be 1 to"),
    ("partitions in words", {"REDCAT_PARTITIONS": "four"}, "whole number"),
    ("more shards than partitions", {"REDCAT_SHARDS": "5"}, "REDCAT_SHARDS"),
    ("a stall that lasts no time", {"REDCAT_STALL_S": "0"}, "REDCAT_STALL_S .*1 to 86400 seconds"),
    ("a stall in words", {"REDCAT_STALL_S": "1m"}, "REDCAT_STALL_S .*whole number"),
    ("more bad records than records", {"REDCAT_BAD_PERCENT": "101"}, "REDCAT_BAD_PERCENT .*0 to 100"),
    ("address of the server without port", {"REDCAT_HTTP": "localhost"}, "REDCAT_HTTP"),
]


def test_nothing_set_is_a_local_installation() -> None:
    settings = Settings.from_env({})

    assert settings == Settings()
    assert (settings.kafka, settings.redis) == ("127.0.0.1:9092", "redis://127.0.0.1:6379/0")
    assert (settings.group, settings.partitions, settings.shards) == ("redcat", 4, 1)


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "redcat.toml"
    file.write_text('group = "file"\npartitions = 8\npolicy = "policy.yaml"')

    settings = Settings.from_env({"REDCAT_GROUP": "environment"}, file)

    assert (settings.group, settings.partitions, settings.policy) == ("environment", 8, Path("policy.yaml"))
    assert settings.shards == Settings().shards


def test_an_empty_variable_and_a_missing_file_count_as_absent(tmp_path: Path) -> None:
    settings = Settings.from_env({"REDCAT_KAFKA": "", "REDCAT_KAFKA_CA": ""}, tmp_path / "redcat.toml")

    assert settings == Settings()


@pytest.mark.parametrize(("environment", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_settings_are_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        Settings.from_env(environment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kafak = "a:1"', "unknown settings: kafak; known are kafka, "),
        ("partitions = true", "whole number"),
        ("partitions = 1.5", "whole number"),
        ("group = 7", "REDCAT_GROUP .*text in quotes"),
        ("group = ", "cannot read .*redcat.toml"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "redcat.toml"
    file.write_text(text)

    with pytest.raises(Misconfigured, match=message):
        Settings.from_env({}, file)


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = Settings.from_env(SASL | {"REDCAT_REDIS": "redis://app:hunter2@r1:7000,redis://app:hunter2@r2:7000"})

    for shown in (repr(settings), str(settings), str(settings.shown()), repr(redis_address(settings))):
        assert "hunter2" not in shown
    assert settings.shown()["redis"] == "redis://app:***@r1:7000,redis://app:***@r2:7000"
    assert settings.shown()["kafka_sasl_password"] == "***"


@pytest.mark.parametrize("redis", ["redis:hunter2@r1", "redis://app:hunter2@r1:port", "redis://:hunter2@/0"])
def test_errors_do_not_tell_secrets(redis: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings(redis=redis)

    assert "hunter2" not in str(caught.value)


def test_kafka_clients_get_addresses_security_and_credentials() -> None:
    assert kafka_options(Settings(kafka="a:1, b:2")) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }

    options = kafka_options(Settings.from_env(SASL))

    assert options.pop("ssl_context").check_hostname
    assert options == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "redcat",
        "sasl_plain_password": "hunter2",
    }


def test_a_missing_certificate_authority_is_named(tmp_path: Path) -> None:
    settings = Settings(kafka_security="tls", kafka_ca=tmp_path / "ca.pem")

    with pytest.raises(Misconfigured, match=r"REDCAT_KAFKA_CA: .*ca\.pem"):
        kafka_options(settings)


def test_redis_clients_get_nodes_database_and_credentials() -> None:
    one = redis_address(Settings(redis="rediss://app:p%2Cq@r1/3"))
    cluster = redis_address(Settings(redis=CLUSTER))

    assert (one.nodes, one.database, one.username, one.password, one.tls) == ((("r1", 6379),), 3, "app", "p,q", True)
    assert not one.cluster
    assert (cluster.nodes, cluster.database, cluster.tls) == ((("r1", 7000), ("r2", 7001)), 0, False)
    assert cluster.cluster
