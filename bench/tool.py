# SPDX-License-Identifier: MIT
"""What all tools of scripts/bench share."""

import signal
import sys

INTERRUPTED = 130


def run(main):
    """Ends the program with the status that main returns. SIGINT, SIGTERM and SIGHUP interrupt it, even if the
    shell ignores them: what it has started ends with it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("scripts/bench: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
