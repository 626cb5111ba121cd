"""The policies that a worker knows.  More may come while it runs; none ever changes or goes."""

from collections.abc import Iterable, Sequence

from streams.core.policy import Policy
from streams.core.terms import PolicySet
from streams.errors import Misconfigured


class PolicyBook:
    """Policies by version, and the sets that lanes work under."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._policies: dict[int, Policy] = {}
        self._sets: dict[tuple[int, ...], PolicySet] = {}
        self.add(policies)

    @property
    def versions(self) -> list[int]:
        """All versions known, ascending."""
        return sorted(self._policies)

    def add(self, policies: Iterable[Policy]) -> None:
        """Learn policies; Misconfigured when a version is known with another content."""
        for policy in policies:
            if self._policies.setdefault(policy.version, policy) != policy:
                raise Misconfigured(f"policy {policy.version} is in force with another content")

    def policy(self, version: int) -> Policy:
        """The policy of a known version."""
        return self._policies[version]

    def missing(self, versions: Iterable[int]) -> list[int]:
        """Those of `versions` that are not known."""
        return sorted(set(versions) - self._policies.keys())

    def sets(self, versions: Sequence[int]) -> list[PolicySet]:
        """[n - 1]: the set of the first n of `versions`, which are known; the same object for the same versions."""
        return [self._set(tuple(versions[:count])) for count in range(1, len(versions) + 1)]

    def _set(self, versions: tuple[int, ...]) -> PolicySet:
        known = self._sets.get(versions)
        if known is None:
            known = self._sets[versions] = self.policy_set(self._policies[version] for version in versions)
        return known

    def policy_set(self, policies: Iterable[Policy]) -> PolicySet:
        """The policies as a set."""
        return PolicySet(policies)
