import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.auth import BearerToken, bearer_auth
from tests.service.kit import Serve, hello, replace
from tests.testbed.patience import HANG_GUARD


@dataclass
class Clock:
    """A clock that the test sets, in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class TokenFile:
    """A token file and the clock that its readers go by."""

    path: Path
    clock: Clock = field(default_factory=Clock)

    def read(self) -> BearerToken:
        """Return the token with an overlap of five minutes."""
        return BearerToken(self.path, overlap=300, clock=self.clock)


@pytest.fixture
def token_file(tmp_path: Path) -> TokenFile:
    path = tmp_path / "token"
    path.write_text("first-token-of-the-tests\n")
    return TokenFile(path)


def test_only_the_token_of_the_file_is_accepted(token_file: TokenFile) -> None:
    token = token_file.read()
    assert token.accepts("first-token-of-the-tests")
    wrong = ("", "first-token-of-the-test", "first-token-of-the-tests\n", "first-token-of-the-testss", "ü", "\udcff")
    assert not any(token.accepts(each) for each in wrong)


def test_a_new_token_counts_at_once_and_the_old_one_for_five_more_minutes(token_file: TokenFile) -> None:
    token = token_file.read()
    replace(token_file.path, b"second-token-of-the-tests")
    assert token.accepts("second-token-of-the-tests")
    token_file.clock.now = 299
    assert token.accepts("first-token-of-the-tests")
    token_file.clock.now = 300
    assert not token.accepts("first-token-of-the-tests")
    assert token.accepts("second-token-of-the-tests")


def test_the_old_token_is_as_old_as_the_file_however_late_somebody_calls(
    token_file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_file.read()
    replace(token_file.path, b"second-token-of-the-tests")
    changed = token_file.path.stat().st_ctime
    monkeypatch.setattr("stagekeeper.service.auth.time.time", lambda: changed + 301)
    assert not token.accepts("first-token-of-the-tests")
    assert token.accepts("second-token-of-the-tests")


async def test_a_token_that_nobody_called_with_is_the_one_before_all_the_same(
    token_file: TokenFile, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(hello([bearer_auth(token_file.read(), ["/webhook"], guess_delay=0)]))

    async def answered(path: str, token: str = "") -> int:
        async with client.post(url + path, headers={"Authorization": f"Bearer {token}"}) as response:
            return response.status

    for newer in (b"second-token-of-the-tests", b"third-token-of-the-tests"):
        replace(token_file.path, newer)
        assert await answered("/") == 200
    tokens = [f"{each}-token-of-the-tests" for each in ("first", "second", "third")]
    assert [await answered("/webhook", each) for each in tokens] == [401, 200, 200]


def test_only_one_previous_token_is_accepted(token_file: TokenFile) -> None:
    token = token_file.read()
    for newer in (b"second-token-of-the-tests", b"third-token-of-the-tests"):
        replace(token_file.path, newer)
        assert token.accepts(newer.decode())
    assert token.accepts("second-token-of-the-tests")
    assert not token.accepts("first-token-of-the-tests")


def test_an_emptied_file_keeps_the_token_before(token_file: TokenFile) -> None:
    token = token_file.read()
    replace(token_file.path, b"\n")
    with capture_logs() as logs:
        assert token.accepts("first-token-of-the-tests")
    assert not token.accepts("")
    assert [each["reason"] for each in logs] == [
        f"The bearer token file {token_file.path} is empty; write the token into it."
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b" \n", "is empty; write the token into it."),
        (b"two words", "must hold one token of printable ASCII without spaces, on one line."),
        (b"two\nlines", "must hold one token of printable ASCII without spaces, on one line."),
        (
            b"fifteen-letters",
            (
                "holds a token of 15 characters, which can be guessed; write one of at least 16, "
                "such as openssl rand -hex 32 makes."
            ),
        ),
        ("größe".encode(), "must hold one token of printable ASCII without spaces, on one line."),
    ],
)
def test_a_file_without_a_usable_token_is_refused(token_file: TokenFile, content: bytes, complaint: str) -> None:
    token_file.path.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        token_file.read()
    assert str(raised.value) == f"The bearer token file {token_file.path} {complaint}"


def test_a_fifo_for_a_token_file_is_refused_by_name_and_not_waited_for(token_file: TokenFile) -> None:
    token_file.path.unlink()
    os.mkfifo(token_file.path)
    with pytest.raises(ConfigurationError) as raised:
        token_file.read()
    assert str(raised.value) == (f"The bearer token file {token_file.path} is not a regular file (it is a FIFO).")


async def test_a_guarded_path_needs_the_token_and_others_do_not(
    token_file: TokenFile, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(hello([bearer_auth(token_file.read(), ["/webhook"], guess_delay=0)]))
    cases = {
        ("/", ""): 200,
        ("/webhook", ""): 401,
        ("/webhook", "Bearer wrong"): 401,
        ("/webhook", "Basic first-token-of-the-tests"): 401,
        ("/webhook", "Bearer first-token-of-the-tests"): 200,
        ("/webhook", "bearer first-token-of-the-tests"): 200,
        ("/%77ebhook", "Bearer wrong"): 401,  # the same path, spelled otherwise
    }
    for (path, header), status in cases.items():
        async with client.post(url + path, headers={"Authorization": header}) as response:
            assert (path, header, response.status) == (path, header, status)


async def test_guessing_cannot_lock_out_the_right_token(
    token_file: TokenFile, serve: Serve, client: aiohttp.ClientSession
) -> None:
    """Wrong tokens wait (here for ever) or, beyond 32, hear 401 at once; the right one is answered at once."""
    url = await serve(hello([bearer_auth(token_file.read(), ["/webhook"], guess_delay=1000)]))

    async def send(token: str) -> int:
        async with client.post(f"{url}/webhook", headers={"Authorization": f"Bearer {token}"}) as response:
            return response.status

    guesses = [asyncio.create_task(send("wrong")) for _ in range(33)]
    done, waiting = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED, timeout=HANG_GUARD)
    assert ([guess.result() for guess in done], len(waiting)) == ([401], 32)
    assert await send("first-token-of-the-tests") == 200
    for guess in waiting:
        guess.cancel()
    await asyncio.wait(guesses)
