"""Every error of Redcat, one class per reaction.

RedcatError
├── Misconfigured   a person must change something: the process stops with a clear message
├── LaneStopped     this lane cannot go on without a person; the other lanes do
├── Refused         this owner is not the lane's owner any more: drop everything, take over anew
└── Unavailable     no answer, or an unknown outcome: drop everything, wait, take over anew
"""


class RedcatError(Exception):
    """Root of all errors that Redcat raises on purpose."""


class Misconfigured(RedcatError):
    """Settings, servers or the namespace do not fit together; retrying cannot help."""


class LaneStopped(RedcatError):
    """The lane met a state that only a person can judge, such as positions that Kafka no longer holds."""


class Refused(RedcatError):
    """The lane stands at another tip than the caller knew, or a newer producer fenced this one."""


class Unavailable(RedcatError):
    """The other side did not answer; what was asked may or may not have happened."""
