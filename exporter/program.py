"""How the exporter starts: what it opens, in which order, and what a reload does."""

from exporter.configuration import ConfigurationFile
from exporter.scrape import Observe, observing
from exporter.web import application
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.auto import observer
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube.client import Kube, NoCluster, connect
from stagekeeper.service.flags import Flags
from stagekeeper.service.health import Readiness, health_routes
from stagekeeper.service.listen import serving
from stagekeeper.service.metrics import process_registry
from stagekeeper.service.runtime import Runtime
from stagekeeper.service.web_config import WebConfigFile

FIRST_OBSERVATION = "first observation"


async def start(runtime: Runtime, flags: Flags) -> None:
    """Read the configuration, serve, take a first observation. An API server that is down does not hinder the start.

    Raises `ProgramError`.
    """
    configuration = ConfigurationFile(flags.config_file)
    web_config = WebConfigFile(flags.web_config) if flags.web_config else None
    kube = await _kube(runtime, flags)

    def observe(environment: Environment) -> Observe:
        return observer(environment, kube, deep=environment.deep_probe).observe

    targets = await runtime.open("The observation of the environments", observing(observe))

    async def use() -> None:
        await targets.use(configuration.current.environments, configuration.current.exporter.recent_observations)

    async def reload() -> None:
        configuration.reload()
        await use()

    await use()
    runtime.on_reload(reload)
    readiness = Readiness({FIRST_OBSERVATION: "no observation at the environments has ended yet"})
    health = health_routes(readiness, runtime.reload, lifecycle=flags.lifecycle)
    app = application(targets, configuration, process_registry("exporter"), health)
    await runtime.open("The HTTP listener", serving(app, flags.listen, web_config=web_config))
    await targets.seen(configuration.current.exporter.default_deadline)
    readiness.met(FIRST_OBSERVATION)


async def _kube(runtime: Runtime, flags: Flags) -> Kube:
    try:
        return await runtime.open("The Kubernetes client", connect(flags.kubeconfig, flags.context))
    except NoCluster as problem:
        raise ConfigurationError(str(problem)) from problem
