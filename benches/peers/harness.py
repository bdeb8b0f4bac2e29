"""What every file of peers shares: the order of work, the clock and the lines printed.

A file of peers registers its checks and its timings on one `Suite` and ends with `suite.main()`;
`GROUP.py check` then compares every peer with an oracle, and `GROUP.py time` prints one JSON line
a measurement. `run` times nothing before the checks have passed: a peer that computes something
else is not a peer.
"""

import argparse
import json
import statistics
import sys
import time


class Suite:
    """The peers of one crate: checks against an oracle, then timed functions by workload."""

    def __init__(self):
        self.checks = []
        self.entries = []  # (workload, peer, function that prepares the call, or why it is not run)

    def check(self, function):
        """Registers a function that raises when a peer disagrees with the oracle."""
        self.checks.append(function)
        return function

    def time(self, workload, peer, prepare):
        """Registers a timing; `prepare()` builds the input and returns the call to time."""
        self.entries.append((workload, peer, prepare, None))

    def leave_out(self, workload, peer, reason):
        """Registers that a peer is not run on a workload, and why."""
        self.entries.append((workload, peer, None, reason))

    def main(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("action", choices=("check", "time"))
        parser.add_argument("--only", action="append", help="a workload's exact name; repeatable")
        parser.add_argument("--seconds", type=float, default=2.0, help="time per measurement")
        arguments = parser.parse_args()
        if arguments.action == "check":
            for check in self.checks:
                check()
                print(f"checked: {check.__name__}", file=sys.stderr)
            return
        for workload, peer, prepare, reason in self.entries:
            if arguments.only and workload not in arguments.only:
                continue
            line = {"workload": workload, "peer": peer}
            if reason is None:
                line |= measure(prepare(), arguments.seconds)
            else:
                line["left_out"] = reason
            print(json.dumps(line), flush=True)


def measure(call, seconds, most=5000):
    """Times single calls until `seconds` have passed (at least one), after a tenth of that as warm-up."""
    warm_until = time.perf_counter() + seconds / 10
    while True:
        call()
        if time.perf_counter() >= warm_until:
            break
    times = []
    until = time.perf_counter() + seconds
    while not times or (time.perf_counter() < until and len(times) < most):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return {
        "min_ms": min(times) * 1e3,
        "median_ms": statistics.median(times) * 1e3,
        "runs": len(times),
    }
