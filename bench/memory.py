# SPDX-License-Identifier: MIT
"""The memory of an idle TLS connection, beside that of the bare loop over the same libssl: the second part of
the gate. The pages of the servers are counted: it varies by about 100 bytes."""

import pathlib
import tempfile

from servers import Fleet, Place
from works import measure_idle

COUNT = 2000            # connections
GROWTH_BYTES = 256      # tolerated
ABOVE_LOOP_BYTES = 800  # what the server may add to the SSL object: 0.7 KiB, and the 100


def weigh(build, pki):
    """Bytes of one connection: of ours, and of the loop."""
    place = Place(build)
    with tempfile.TemporaryDirectory(dir=build) as folder, Fleet([place], pki, pathlib.Path(folder)) as fleet:
        return {server.name: round(measure_idle(build, server, COUNT))
                for server in (fleet.ours(place), fleet.libssl(place))}


def differences(before, now):
    """Descriptions of what grew. before: as recorded with this release of OpenSSL, None = never."""
    above = now["tlsecho"] - now["libssl"]
    if above > ABOVE_LOOP_BYTES:
        yield f"an idle TLS connection takes {above} bytes more than the SSL object, at most {ABOVE_LOOP_BYTES} are allowed"
    if before and now["tlsecho"] > before["tlsecho"] + GROWTH_BYTES:
        yield f"an idle TLS connection takes {now['tlsecho']} bytes, not {before['tlsecho']}"
