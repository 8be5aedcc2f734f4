# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write to one ConfigMap through the API server of this node with eight clients, none of which ever pauses.

In /run/written stand how many writes were refused and accepted so far.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import sys
import tempfile
import threading
import time
from pathlib import Path

ADMIN = Path("/etc/kubernetes/admin.conf")
WRITTEN = Path("/run/written")
PATH = "/api/v1/namespaces/default/configmaps/hammered"
HEADERS = {"Content-Type": "application/merge-patch+json"}
CLIENTS = 8


class Client(threading.Thread):
    """One client, with a connection of its own."""

    def __init__(self, address: str, context: ssl.SSLContext, number: int) -> None:
        super().__init__(daemon=True)
        self.refused = self.accepted = 0
        self._address, self._context, self._number = address, context, number

    def run(self) -> None:
        """Write until the process ends."""
        connection = None
        while True:
            try:
                connection = connection or self._connect()
                body = json.dumps({"data": {f"client-{self._number}": str(time.monotonic_ns())}})
                connection.request("PATCH", PATH, body, HEADERS)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection = None
                self.refused += 1
                continue
            if answer.status == http.client.OK:
                self.accepted += 1
            else:
                self.refused += 1

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._address, 6443, timeout=60, context=self._context)


def main() -> None:
    """Go on until somebody ends it."""
    context = ssl.create_default_context(cafile="/etc/kubernetes/pki/ca.crt")
    with tempfile.NamedTemporaryFile() as pair:  # nobody else can read it
        for name in ("client-certificate-data", "client-key-data"):
            encoded = re.search(rf"{name}: (\S+)", ADMIN.read_text("ascii"))
            assert encoded
            pair.write(base64.b64decode(encoded[1]))
        pair.flush()
        context.load_cert_chain(pair.name)
    clients = [Client(sys.argv[1], context, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    while True:
        refused, accepted = sum(each.refused for each in clients), sum(each.accepted for each in clients)
        aside = WRITTEN.with_suffix(".part")
        aside.write_text(f"refused={refused}\naccepted={accepted}\n", "ascii")
        os.replace(aside, WRITTEN)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
