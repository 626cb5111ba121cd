"""The process between Redcat and an embedded server rests while the server does."""

import os
import select
import subprocess
import sys
import threading

from app.local_stack.keeper import wait

LOOKS = 1_000_000  # some seconds


def test_news_of_a_paused_server_are_taken_note_of_once() -> None:
    hold, let_go = os.pipe()
    child_changed, wakeup = os.pipe()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        keeping = threading.Thread(
            target=wait, args=(server, os.getppid()), kwargs={"hold": hold, "child_changed": child_changed}
        )
        keeping.start()
        os.write(wakeup, b"\x11")
        unheeded = [child_changed]
        for _ in range(LOOKS):
            unheeded, _, _ = select.select([child_changed], [], [], 0)
            if not unheeded:
                break
        os.close(let_go)
        keeping.join()
        assert not unheeded
        assert server.poll() is None
        server.communicate(b"\n")
    for end in (hold, child_changed, wakeup):
        os.close(end)
