"""What stories ask of a product and a Diego on a node."""

from typing import Any

from tests.testbed.node.diego import Diego
from tests.testbed.node.product import Product
from tests.testbed.pods import is_ready

Object = dict[str, Any]
REACHABLE = 'environment:bbs_reachable:max{environment="cf"}'
ENDED = frozenset({"Recovered", "SelfHealed", "Observed", "Escalated"})


def uids(diego: Diego) -> dict[str, str]:
    """The UID of each pod of BBS and Locket that is not on its way out, by its name."""
    layout = diego.layout
    names = {f"{each.name}-{number}" for each in (layout.bbs, layout.locket) if each for number in range(each.replicas)}
    pods = [pod["metadata"] for pod in diego.pods() if "deletionTimestamp" not in pod["metadata"]]
    return {pod["name"]: pod["uid"] for pod in pods if pod["name"] in names}


def all_serve(diego: Diego) -> bool:
    """Whether every pod of Diego and its database is Ready."""
    pods = diego.pods()
    wanted = 1 + sum(each.replicas for each in diego.layout.workloads)
    return len(pods) == wanted and all(is_ready(pod) for pod in pods)


def has_plan(product: Product, after: int) -> bool:
    """Whether a remediation that came after so many others has a plan."""
    return any(each.get("status", {}).get("plan") for each in product.records()[after:])


def ended(product: Product, after: int) -> Object:
    """The remediation that came after so many others, once it has ended; nothing before."""
    record: Object = next(iter(product.records()[after:]), {})
    return record if record.get("status", {}).get("phase") in ENDED else {}
