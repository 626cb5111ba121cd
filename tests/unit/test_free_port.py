"""A port that was found free stays free for the server that it was found for."""

import socket
import subprocess
import sys

import pytest

from app.local_stack.server_process import free_port, require_free

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a kept port could not be bound by a server")

BIND = "import socket, sys; socket.socket().bind(('127.0.0.1', int(sys.argv[1])))"


def test_no_other_process_finds_it_free() -> None:
    other = subprocess.run([sys.executable, "-c", BIND, str(free_port())], check=False, stderr=subprocess.PIPE)

    assert b"Address already in use" in other.stderr


def test_a_server_may_listen_on_it() -> None:
    port = free_port()

    require_free(port, server="a server", setting="its port")
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        pass


def test_nobody_answers_before_that() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port()))
