import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from stagekeeper.service.log_output import LogOutput
from stagekeeper.service.logs import Format, configure
from tests.testbed.patience import HANG_GUARD


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Logging belongs to the process: give it back as it was."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:], logging.getLogger("aiohttp.access").disabled)
    yield
    logging.captureWarnings(capture=False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.getLogger("aiohttp.access").disabled = before[2]
    structlog.reset_defaults()


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def test_a_line_of_ours_is_logfmt_with_time_level_logger_and_sentence(written: io.StringIO) -> None:
    configure("info", "logfmt", written)
    structlog.get_logger("exporter.web").info("It has ended.", seconds=0.25, ok=True, note='a "b"\nc', pod=None)
    assert re.fullmatch(
        r'ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info msg="It has ended." '
        r'logger=exporter.web seconds=0.25 ok=true note="a \\"b\\"\\nc" pod=\n',
        written.getvalue(),
    )


def test_the_time_is_utc_and_now(written: io.StringIO) -> None:
    configure("info", "json", written)
    structlog.get_logger().info("x")
    time = datetime.fromisoformat(json.loads(written.getvalue())["ts"])
    assert abs(datetime.now(UTC) - time) < timedelta(seconds=20)


def test_a_line_of_a_library_looks_like_one_of_ours(written: io.StringIO) -> None:
    configure("info", "json", written)
    logging.getLogger("aiohttp.server").error("failed for %s", "127.0.0.1")
    line = json.loads(written.getvalue())
    assert (line["level"], line["logger"], line["msg"]) == ("error", "aiohttp.server", "failed for 127.0.0.1")
    assert list(line)[:3] == ["ts", "level", "msg"]


def test_in_json_too_time_level_and_event_come_first(written: io.StringIO) -> None:
    configure("info", "json", written)
    structlog.get_logger("exporter.web").info("An observation has ended.", alpha=1, environment="cf")
    assert list(json.loads(written.getvalue())) == ["ts", "level", "msg", "logger", "alpha", "environment"]


@pytest.mark.parametrize("name", ["asyncio", "aiohttp.server", "kubernetes.aio.client", "urllib3"])
def test_what_a_library_does_is_not_heard(written: io.StringIO, name: str) -> None:
    configure("debug", "logfmt", written)
    logging.getLogger(name).debug("Using selector: EpollSelector")
    logging.getLogger(name).info("Starting new connection")
    assert written.getvalue() == ""


@pytest.mark.parametrize("fmt", ["logfmt", "json"])
def test_a_traceback_stays_on_its_line(written: io.StringIO, fmt: Format) -> None:
    configure("info", fmt, written)
    try:
        raise ValueError("an unforeseen fault")  # noqa: TRY301 - a traceback needs a raise
    except ValueError:
        structlog.get_logger().exception("It failed.")
    assert written.getvalue().count("\n") == 1
    assert "an unforeseen fault" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_lines_below_the_level_and_the_access_log_are_left_out(written: io.StringIO) -> None:
    configure("warning", "logfmt", written)
    structlog.get_logger().info("ours")
    logging.getLogger("asyncio").info("theirs")
    logging.getLogger("aiohttp.access").error("access")
    assert written.getvalue() == ""


def test_configuring_again_takes_the_place_of_what_was_before(written: io.StringIO) -> None:
    first = io.StringIO()
    configure("info", "logfmt", first)
    logger = structlog.get_logger()
    configure("debug", "json", written)
    logger.debug("x")
    assert first.getvalue() == ""
    assert json.loads(written.getvalue())["msg"] == "x"


@pytest.mark.parametrize("fmt", ["logfmt", "json"])
def test_no_credential_is_written(written: io.StringIO, fmt: Format) -> None:
    configure("debug", fmt, written)
    logger = structlog.get_logger()
    secret = "c2VjcmV0LXZhbHVl"
    logger.info("x", token=secret, password=secret, Authorization=secret, headers={"Cookie": secret, "Host": "h"})
    sentence = f"sent Bearer {secret} and Basic {secret}"
    logger.info(sentence)
    logger.info("x", values=[f"bearer {secret}"], error=ValueError(f"Authorization: Bearer {secret}"))
    logger.info("x", jwt=f"eyJhbGciOiJ9.{secret}.{secret}")
    logging.getLogger("kubernetes").warning("header %s", {"authorization": f"Bearer {secret}"})
    try:
        raise ValueError(f"Bearer {secret}")  # noqa: TRY301 - a traceback needs a raise
    except ValueError:
        logger.exception("failed")
    assert secret not in written.getvalue()
    assert written.getvalue().count("\n") == 6
    assert "Host" in written.getvalue()


def test_a_sentence_about_credentials_is_written_as_it_is(written: io.StringIO) -> None:
    configure("info", "json", written)
    sentence = "Neither basic authentication nor bearer tokens are configured."
    structlog.get_logger().info(sentence)
    assert json.loads(written.getvalue())["msg"] == sentence


OBEYED = "\x1b[31m \x9b31m \u202etxt \u2028 \r\x00\tx"
SHOWN = r"\x1b[31m \x9b31m \u202etxt \u2028 \r\x00\tx"


@pytest.mark.parametrize("fmt", ["logfmt", "json"])
def test_what_a_terminal_would_obey_is_shown(written: io.StringIO, fmt: Format) -> None:
    configure("info", fmt, written)
    structlog.get_logger().info(OBEYED, peer=OBEYED, pods=[OBEYED], seen={OBEYED: {"a": OBEYED}})
    logging.getLogger("theirs").warning("said %s", OBEYED)
    try:
        raise ValueError(OBEYED)  # noqa: TRY301 - a traceback needs a raise
    except ValueError:
        structlog.get_logger().exception("failed")
    lines = written.getvalue().split("\n")[:-1]
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    if fmt == "json":
        line = json.loads(lines[0])
        assert (line["msg"], line["peer"], line["pods"]) == (SHOWN, SHOWN, [SHOWN])
        assert json.loads(lines[2])["exception"].endswith(f"ValueError: {SHOWN}")


class Unprintable:
    """A value without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_record_that_cannot_be_rendered_is_counted_and_no_more(written: io.StringIO) -> None:
    output = configure("info", "logfmt", written)
    structlog.get_logger().info("x", value=Unprintable())
    logging.getLogger("theirs").info("%d", "no number")
    structlog.get_logger().info("next", **{"a key": 1})
    assert output.lost >= 1
    assert "msg=next logger=tests.service.test_logs a_key=1\n" in written.getvalue()


def test_a_full_disk_is_counted_and_no_more() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        output = configure("info", "logfmt", full)
        for _ in range(3):
            structlog.get_logger().info("x")
    assert output.lost == 3


@pytest.mark.timeout(20)
def test_how_many_lines_were_lost_is_said_once_there_is_a_reader_again() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe, os.fdopen(read, "rb", buffering=0) as reader:
        output = configure("info", "logfmt", pipe)
        logger = structlog.get_logger()
        for _ in range(100):
            logger.info("x" * 5000)
        lost = output.lost
        reader.read(1 << 20)
        logger.info("the next line")
        logger.info("the last line")
        lines = reader.read(1 << 20).decode().splitlines()
    assert lost
    assert [re.search(r'msg="(.*?)"', line)[1] for line in lines[-3:]] == [  # type: ignore[index]
        "the next line",
        "Log lines were lost.",
        "the last line",
    ]
    assert f"lines={lost}" in lines[-2]


def test_a_closed_stream_is_counted_and_no_more() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        output = LogOutput(pipe)
        output.write_line("x")
    output.write_line("y")
    assert output.lost == 2


def test_no_stderr_at_all_is_counted_and_no_more() -> None:
    output = LogOutput(None)
    output.write_line("x")
    assert output.lost == 1


def test_a_pipe_that_nobody_reads_does_not_block_and_goes_on_when_read_again() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe, os.fdopen(read, "rb", buffering=0) as reader:
        output = LogOutput(pipe)
        for number in range(1000):
            output.write_line(f"line {number} " + "x" * 5000)
        assert 900 < output.lost < 1000
        text = reader.read(1 << 20)
        output.write_line("the last line")
        text += reader.read(1 << 20)
    lines = text.decode().splitlines()
    assert lines[-1] == "the last line"
    assert all(line.startswith("line ") for line in lines[:-1])


def test_a_program_whose_stderr_is_closed_goes_on() -> None:
    code = """if True:
        import structlog
        from stagekeeper.service.logs import configure
        output = configure()
        structlog.get_logger().info("x")
        print("lost", output.lost)
    """
    closed = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code]
    ended = subprocess.run(closed, capture_output=True, check=False, timeout=HANG_GUARD)
    assert (ended.returncode, ended.stdout) == (0, b"lost 1\n")
