"""What the processes need, and which versions run."""

from alerts.thresholds import BOTH
from dashboards.face import BAD, GOOD, IDLE, WARN, Face
from dashboards.panels import Query, Question, series_of, table_of
from dashboards.schema import Panel

MIB = 1024 * 1024
EXPORTERS_MEMORY = 80 * MIB
"""What the exporter stays within."""
INSTANCE = "{{job}} {{instance}}"


def panels() -> tuple[Panel, ...]:
    """One line."""
    return _memory(), _cpu(), _files(), _versions()


def _memory() -> Panel:
    about = "Resident memory. An exporter stays within 80 MiB; steady growth is a leak."
    question = Question("How much memory do they need?", about, ("StagekeeperInstanceDown",), height=7)
    face = Face("bytes", ((None, GOOD), (EXPORTERS_MEMORY, WARN)))
    return series_of(question, face, Query(f"process_resident_memory_bytes{{{BOTH}}}", INSTANCE))


def _cpu() -> Panel:
    about = "Processor time used per second. A look takes some milliseconds; more than half a core is odd."
    question = Question("How much processor do they need?", about, ("StagekeeperInstanceDown",), height=7)
    face = Face("percentunit", ((None, GOOD), (0.5, WARN)))
    return series_of(question, face, Query(f"rate(process_cpu_seconds_total{{{BOTH}}}[$__rate_interval])", INSTANCE))


def _files() -> Panel:
    about = "Open files and connections, as a share of what the process may have. Steady growth is a leak."
    question = Question("How many files are open?", about, ("StagekeeperInstanceDown",), height=7)
    face = Face("percentunit", ((None, GOOD), (0.8, BAD)), decimals=2)
    return series_of(question, face, Query(f"process_open_fds{{{BOTH}}}\n/ process_max_fds{{{BOTH}}}", INSTANCE))


def _versions() -> Panel:
    about = "Program, version and revision of each instance, and for how long it has run."
    question = Question("Which versions run, and since when?", about, ("StagekeeperInstanceDown",), height=7)
    build = f"stagekeeper_build_info{{{BOTH}}}"
    running = f"time() - process_start_time_seconds{{{BOTH}}}"
    expression = f"({running})\n* on (job, instance) group_left (program, version, revision) {build}"
    columns = (("program", "Program"), ("version", "Version"), ("revision", "Revision"), ("Value", "Runs for"))
    return table_of(question, Face("s", ((None, IDLE),), decimals=0), Query(expression), columns)
