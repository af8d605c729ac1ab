"""`helm test`: asks each `URL=STATUS` until it answers with that status, a minute at most.

The webhook is asked without its token, so that 401 is the right answer: it is reached, and it is guarded.
"""

import ssl
import sys
import time
import urllib.error
import urllib.request

DEADLINE = time.monotonic() + 60


def answer(url: str) -> str:
    """The status, or why there is none. Whose certificate it is is Prometheus' and Alertmanager's business."""
    request = urllib.request.Request(url, data=b"{}" if "/api/" in url else None)
    unverified = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(request, timeout=5, context=unverified) as found:
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
    print(f"{url}: {found}, as it should be.")
