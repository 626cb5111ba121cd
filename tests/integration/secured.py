"""Servers that ask who is there: TLS, SASL and lists of rights, and the users that docs/security.md describes."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from app.local_stack.kafka_server import KafkaServer, Listener
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.settings import Settings

PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD: Final = "Zr4-planted/secret@7"  # what needs quoting in a URL is in it
WORKER, SERVER, READER = "redcat-worker", "redcat-server", "redcat-reader"
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LOGIN: Final = "org.apache.kafka.common.security"
RESOURCES: Final = {"--topic": 2, "--group": 3, "--transactional-id": 5}  # of Kafka's protocol, as the next two
OPERATIONS: Final = {"Read": 3, "Write": 4, "Describe": 8}
LITERAL, PREFIXED, ALLOW = 3, 4, 3


class Certificates(NamedTuple):
    """Files: who signs, and a server's certificate for 127.0.0.1 with its key."""

    ca: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """New ones, good for a day."""
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    ca_key = str(folder / "ca.key")
    signed = ["-CA", str(made.ca), "-CAkey", ca_key, "-addext", "subjectAltName=IP:127.0.0.1"]
    for options in (
        ["-keyout", ca_key, "-out", str(made.ca), "-subj", "/CN=who signs"],
        ["-keyout", str(made.key), "-out", str(made.certificate), "-subj", "/CN=server", *signed],
    ):
        subprocess.run([*new, *options], check=True, capture_output=True)
    return made


def blocks(kind: str) -> Iterator[str]:
    """The lines of the page's blocks of a kind."""
    for block in re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL):
        yield from block.splitlines()


class SecuredKafka:
    """A Kafka that takes what is not encrypted and what is, with SASL and without; it starts with no rights given."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        store = folder / "kafka.pem"
        store.write_text(certificates.key.read_text() + certificates.certificate.read_text())
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(store)}
        self._ports = {name: free_port() for name in ("TLS", "SASL", "SASLTLS")}
        self._ca = certificates.ca
        self.server = KafkaServer(
            free_port(),
            folder / "kafka",
            listeners=[
                Listener("TLS", self._ports["TLS"], "SSL", properties=tls),
                Listener("SASL", self._ports["SASL"], "SASL_PLAINTEXT", properties=_sasl()),
                Listener("SASLTLS", self._ports["SASLTLS"], "SASL_SSL", properties=tls | _sasl()),
            ],
            properties={
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",  # whoever comes without SASL
            },
            scram={WORKER: PASSWORD, READER: PASSWORD},
        )

    def tls(self) -> Settings:
        """The way for those who are nobody in particular."""
        return Settings(f"127.0.0.1:{self._ports['TLS']}", kafka_security="tls", kafka_ca=self._ca)

    def sasl(self, mechanism: str, *, tls: bool, user: str = WORKER) -> Settings:
        """The way for a user."""
        return Settings(
            f"127.0.0.1:{self._ports['SASLTLS' if tls else 'SASL']}",
            kafka_security="sasl_tls" if tls else "sasl_plaintext",
            kafka_sasl_mechanism=mechanism,
            kafka_sasl_username=user,
            kafka_sasl_password=PASSWORD,
            kafka_ca=self._ca if tls else None,
        )

    async def give_rights(self) -> None:
        """Give just the rights that the page lists."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.address)
        await admin.start()
        try:
            for line in blocks("kafka-acl"):
                for request in _requests(shlex.split(line)):
                    response = await admin._send_request(request)
                    assert [code for code, _ in response.creation_responses] == [0]
        finally:
            await admin.close()


def _sasl() -> dict[str, str]:
    known = " ".join(f'user_{user}="{PASSWORD}"' for user in (WORKER, READER))
    scram = f"{LOGIN}.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "plain.sasl.jaas.config": f"{LOGIN}.plain.PlainLoginModule required {known};",
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
    }


def _requests(words: Sequence[str]) -> Iterator[CreateAclsRequest]:
    """What `kafka-acls.sh --add` with these words would ask for."""
    options = list(zip(words[2::2], words[3::2], strict=True))
    named = dict(options)
    pattern = PREFIXED if named.get("--resource-pattern-type") == "prefixed" else LITERAL
    operations = [OPERATIONS[value] for name, value in options if name == "--operation"]
    for name, value in options:
        if name in RESOURCES:
            for operation in operations:
                principal = named["--allow-principal"]
                yield CreateAclsRequest(RESOURCES[name], value, pattern, principal, "*", operation, ALLOW)


def acl_file(path: Path, *, without: Sequence[str] = ()) -> Path:
    """The page's users of Redis as a file for the server, without commands that it does not have."""
    lines = [line.replace(">PASSWORD", f">{PASSWORD}") for line in blocks("redis-acl")]
    for command in without:
        lines = [line.replace(f" +{command}", "") for line in lines]
    path.write_text("user default on nopass ~* &* +@all\n" + "\n".join(lines) + "\n")
    return path


def tls_redis(folder: Path, certificates: Certificates, binary: Path, port: int) -> ValkeyServer:
    """A Redis with the page's users that speaks TLS on `port`."""
    folder.mkdir()
    return ValkeyServer(
        free_port(),
        folder,
        binary=binary,
        settings={
            "aclfile": str(acl_file(folder / "users.acl", without=["msetex"])),
            "tls-port": str(port),
            "tls-cert-file": str(certificates.certificate),
            "tls-key-file": str(certificates.key),
            "tls-ca-cert-file": str(certificates.ca),
            "tls-auth-clients": "no",
        },
    )
