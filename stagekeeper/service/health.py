"""The endpoints under `/-/`: is the process alive, is it ready, read the configuration again.

A process is healthy when it can answer at all: never ask its target or the Kubernetes API here, or a fault there would
restart us. It is ready when each of its named conditions is met.
"""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from stagekeeper.config.errors import ProgramError

HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"
RELOAD_PATH = "/-/reload"
OPEN_PATHS = frozenset({HEALTHY_PATH, READY_PATH})
"""What kubelet asks: without a password, and also when there is no room for others."""


class Readiness:
    """The named conditions for being ready, each with the reason why it is not met yet."""

    def __init__(self, conditions: Mapping[str, str]) -> None:
        """All conditions, none of them met yet, each with its reason: `{"first check": "none has ended yet"}`."""
        self._known = frozenset(conditions)
        self.missing = dict(conditions)
        """The conditions that are not met, with their reasons; empty when ready."""

    def met(self, name: str) -> None:
        """A condition is met, for good. Raises KeyError for a name that the constructor was not given."""
        if name not in self._known:
            raise KeyError(name)
        self.missing.pop(name, None)


def health_routes(readiness: Readiness) -> list[web.RouteDef]:
    """The routes `/-/healthy` and `/-/ready`."""

    async def healthy(_request: web.Request) -> web.Response:
        return web.Response(text="Healthy.\n")

    async def ready(_request: web.Request) -> web.Response:
        if not readiness.missing:
            return web.Response(text="Ready.\n")
        lines = "".join(f"* {name}: {reason}\n" for name, reason in readiness.missing.items())
        return web.Response(status=503, text=f"Not ready yet:\n{lines}")

    return [web.get(HEALTHY_PATH, healthy), web.get(READY_PATH, ready)]


def reload_routes(reload: Callable[[], Awaitable[None]], *, lifecycle: bool) -> list[web.RouteDef]:
    """The route `/-/reload`.

    `reload` raises a `ProgramError` when the new configuration is refused. Without `lifecycle`
    (`--web.enable-lifecycle`) a POST is answered 403, as Prometheus does (prometheus:web/web.go).
    """

    async def reload_now(_request: web.Request) -> web.Response:
        return await _reload(reload) if lifecycle else _lifecycle_is_off()

    return [web.post(RELOAD_PATH, reload_now), web.put(RELOAD_PATH, reload_now)]


def _lifecycle_is_off() -> web.Response:
    return web.Response(status=403, text="Reloading over HTTP is off; start with --web.enable-lifecycle.\n")


async def _reload(reload: Callable[[], Awaitable[None]]) -> web.Response:
    try:
        await reload()
    except ProgramError as problem:
        return web.Response(status=500, text=f"The configuration was not reloaded; the old one stays: {problem}\n")
    return web.Response(text="Reloaded.\n")
