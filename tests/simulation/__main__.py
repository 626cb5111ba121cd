"""`python -m tests.simulation SEED [LAST]`: run the schedules of some seeds; the one of a single seed is told."""

import logging
import sys

from tests.simulation.schedules import play, told


def main(first: int, last: int) -> int:
    """The exit status: 1 if any schedule failed."""
    logging.disable(logging.CRITICAL)
    failed = 0
    for seed in range(first, last + 1):
        run = play(seed)
        if run.failure is not None or first == last:
            print(told(seed, run))
        failed += run.failure is not None
    print(f"{last - first + 1} schedules, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    seeds = [int(argument) for argument in sys.argv[1:]]
    if not 1 <= len(seeds) <= 2:
        sys.exit("usage: python -m tests.simulation SEED [LAST]")
    sys.exit(main(seeds[0], seeds[-1]))
