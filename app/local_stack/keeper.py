"""A small process between Redcat and an embedded server, so that the server never outlives Redcat.

Run as a script: `keeper.py PARENT_PID COMMAND...`.  It starts the command, ends it when the process PARENT_PID is
gone (however it died) or when standard input closes, and exits with the command's status.  The first line of its
output is the command's process id; what the command prints goes to standard error.  The kernel's
parent-death signal covers the keeper's own death; used directly by Redcat it would fire when the *thread* that
started the server ends.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys

POLL_S = 0.5
STOP_S = 10.0
PR_SET_PDEATHSIG = 1


def die_with_keeper(keeper: int) -> None:
    """Ask the kernel to kill this process when the keeper dies; also when it died before this call."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start the server so that it dies with the keeper."""
    keeper = os.getpid()
    prepare = (lambda: die_with_keeper(keeper)) if sys.platform == "linux" else None
    # The keeper has a single thread, so preparing the child between fork and exec is safe here.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=prepare)


def wait(server: "subprocess.Popen[bytes]", parent: int, *, hold: int, child_changed: int) -> None:
    """Return when the server has ended by itself or there is nobody left to keep it for: `hold` is closed."""
    while server.poll() is None and os.getppid() == parent:
        ready, _, _ = select.select([hold, child_changed], [], [], POLL_S)
        if hold in ready:
            return
        if child_changed in ready:
            os.read(child_changed, 4096)  # a server that is paused or goes on is told of as well


def main(arguments: list[str]) -> int:
    """Keep one server; returns its exit status."""
    parent, command = int(arguments[0]), arguments[1:]
    child_changed, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    server = start(command)
    print(server.pid, flush=True)
    wait(server, parent, hold=sys.stdin.fileno(), child_changed=child_changed)
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
    status = server.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
