"""`helm test`: asks each `URL=STATUS` until it answers with that status, a minute at most.

The webhook is asked without its token, so that 401 is the right answer: it is reached, and it is guarded.
"""
# ruff: noqa: INP001, S310 -- it is a text that a pod runs, with addresses that the chart wrote

import ssl
import sys
import time
import urllib.error
import urllib.request

DEADLINE = time.monotonic() + 60
UNVERIFIED = ssl.create_default_context()  # whose certificate it is, is Prometheus' and Alertmanager's business
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


def answer(url: str) -> str:
    """The status, or why there is none."""
    request = urllib.request.Request(url, data=b"{}" if "/api/" in url else None)
    try:
        with urllib.request.urlopen(request, timeout=5, context=UNVERIFIED) as found:
            return str(found.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return str(refusal.code)
    except OSError as problem:
        return str(problem)


for url, _, expected in (each.rpartition("=") for each in sys.argv[1:]):
    while (found := answer(url)) != expected:
        if time.monotonic() > DEADLINE:
            sys.exit(f"{url}: {found}, where {expected} was expected.")
        time.sleep(1)
    sys.stdout.write(f"{url}: {found}, as it should be.\n")
