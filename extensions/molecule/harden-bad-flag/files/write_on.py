# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write through the member of this node without end, and keep in a file for how long at most no write was accepted."""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.request
from pathlib import Path

PKI = "/etc/kubernetes/pki/etcd"
GAP = Path("/run/longest-gap")
URL = "https://127.0.0.1:2379/v3/kv/put"
BODY = json.dumps({"key": "L3dyaXRlLW9u", "value": "eA=="}).encode()


def main() -> None:
    """Go on until somebody ends it."""
    context = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
    context.load_cert_chain(f"{PKI}/healthcheck-client.crt", f"{PKI}/healthcheck-client.key")
    longest, last = 0.0, time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(URL, BODY, timeout=2, context=context):  # a URL of this node
                now = time.monotonic()
        except OSError:
            time.sleep(0.05)
            continue
        longest, last = max(longest, now - last), now
        aside = GAP.with_suffix(".part")
        aside.write_text(f"{longest:.2f}", "ascii")
        os.replace(aside, GAP)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
