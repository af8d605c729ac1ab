"""What the processes need, and which versions run."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.field_config import BAD, GOOD, IDLE, WARN, Field
from dashboards.panels import Caption, Query, series_of, table_of
from dashboards.promql import BOTH

MIB = 1024 * 1024
EXPORTERS_MEMORY = 80 * MIB
"""What the exporter stays within."""
INSTANCE = "{{job}} {{instance}}"
RUNBOOK = ("StagekeeperInstanceDown",)


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _memory(), _cpu(), _files(), _versions()


def _memory() -> Panel:
    about = "Resident memory. An exporter stays within 80 MiB; steady growth is a leak."
    field = Field("bytes", ((None, GOOD), (EXPORTERS_MEMORY, WARN)))
    query = Query(f"process_resident_memory_bytes{{{BOTH}}}", INSTANCE)
    return series_of(Caption("Memory", about, RUNBOOK, height=7), field, query)


def _cpu() -> Panel:
    about = "Processor time used per second. A check takes some milliseconds; more than half a core is odd."
    field = Field("percentunit", ((None, GOOD), (0.5, WARN)))
    query = Query(f"rate(process_cpu_seconds_total{{{BOTH}}}[$__rate_interval])", INSTANCE)
    return series_of(Caption("CPU", about, RUNBOOK, height=7), field, query)


def _files() -> Panel:
    about = "Open files and connections, as a share of what the process may have. Steady growth is a leak."
    field = Field("percentunit", ((None, GOOD), (0.8, BAD)), decimals=2)
    query = Query(f"process_open_fds{{{BOTH}}}\n/ process_max_fds{{{BOTH}}}", INSTANCE)
    return series_of(Caption("File descriptors", about, RUNBOOK, height=7), field, query)


def _versions() -> Panel:
    about = "Program, version and revision of each instance, and for how long it has run."
    build = f"stagekeeper_build_info{{{BOTH}}}"
    running = f"time() - process_start_time_seconds{{{BOTH}}}"
    expression = f"({running})\n* on (job, cluster, instance) group_left (program, version, revision) {build}"
    columns = (("program", "Program"), ("version", "Version"), ("revision", "Revision"), ("Value", "Uptime"))
    field = Field("s", ((None, IDLE),), decimals=0)
    return table_of(Caption("Versions", about, RUNBOOK, height=7), field, Query(expression), columns)
