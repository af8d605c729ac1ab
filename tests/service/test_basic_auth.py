import asyncio
import threading
import time
from pathlib import Path

import aiohttp
import bcrypt
import pytest

from stagekeeper.service.auth import BearerToken, bearer_auth
from stagekeeper.service.basic_auth import Passwords
from stagekeeper.service.web_config import WebConfigFile
from tests.service.kit import Serve, hello
from tests.testbed.patience import HANG_GUARD, until

RIGHT = ("prometheus", "correct horse")
HASH = bcrypt.hashpw(RIGHT[1].encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def web_config(tmp_path: Path) -> WebConfigFile:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users:\n  prometheus: {HASH}\n")
    return WebConfigFile(path)


@pytest.mark.parametrize(
    ("login", "password", "status"),
    [
        (*RIGHT, 200),
        ("prometheus", "wrong", 401),
        ("prometheus", "", 401),
        ("nobody", RIGHT[1], 401),
        ("prometheus", "x" * 73, 401),
        ("prometheus", "a\0b", 401),
        ("prometheus", "größe", 401),
    ],
)
async def test_only_the_right_password_is_let_in(
    serve: Serve,
    client: aiohttp.ClientSession,
    web_config: WebConfigFile,
    login: str,
    password: str,
    status: int,
) -> None:
    url = await serve(hello(), web_config=web_config)
    headers = {"Authorization": aiohttp.encode_basic_auth(login, password, encoding="utf-8")}
    for _ in range(2):  # the second time the answer may come from the cache
        async with client.get(f"{url}/metrics", headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic eA==", "Basic /w==", "Bearer x"])
async def test_a_missing_or_malformed_header_is_401_and_names_the_scheme(
    serve: Serve, client: aiohttp.ClientSession, web_config: WebConfigFile, header: str
) -> None:
    url = await serve(hello(), web_config=web_config)
    async with client.get(url, headers={"Authorization": header}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Basic realm="stagekeeper"'


async def test_probes_of_kubelet_need_no_password_and_nothing_else_is_open(
    serve: Serve, client: aiohttp.ClientSession, web_config: WebConfigFile
) -> None:
    url = await serve(hello(), web_config=web_config)
    paths = {"/-/healthy": 200, "/-/ready": 200, "/-/reload": 401, "/": 401, "/metrics": 401, "/none": 401}
    for path, status in paths.items():
        async with client.get(url + path) as response:
            assert (path, response.status) == (path, status)


async def test_a_request_with_the_right_bearer_token_needs_no_password_too(
    serve: Serve, client: aiohttp.ClientSession, web_config: WebConfigFile, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("the-token-of-the-tests")
    app = hello([bearer_auth(BearerToken(tmp_path / "token"), ["/webhook"], guess_delay=0)])
    url = await serve(app, web_config=web_config)
    headers = {"Authorization": "Bearer the-token-of-the-tests"}
    for path, status in {"/webhook": 200, "/metrics": 401}.items():
        async with client.get(url + path, headers=headers) as response:
            assert (path, response.status) == (path, status)


async def test_without_users_everything_is_open(serve: Serve, client: aiohttp.ClientSession, tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("")
    url = await serve(hello(), web_config=WebConfigFile(tmp_path / "web.yml"))
    async with client.get(url) as response:
        assert response.status == 200


async def test_a_right_password_is_hashed_once_and_a_changed_hash_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []

    def check(password: bytes, hashed_password: bytes) -> bool:
        hashed.append(password)
        return bcrypt.hashpw(password, hashed_password) == hashed_password

    monkeypatch.setattr(bcrypt, "checkpw", check)
    passwords = Passwords()
    for _ in range(3):
        assert await passwords.are_right({"prometheus": HASH}, *RIGHT)
    assert len(hashed) == 1
    other = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
    assert not await passwords.are_right({"prometheus": other}, *RIGHT)
    assert len(hashed) == 2


async def test_who_gives_no_password_is_asked_for_one_without_a_hash(
    serve: Serve,
    client: aiohttp.ClientSession,
    web_config: WebConfigFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A browser asks without one first, and would wait for its turn behind all guesses."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("nothing was given that could be checked"))
    url = await serve(hello(), web_config=web_config)
    async with client.get(url) as response:
        assert response.status == 401


async def test_guesses_without_end_do_not_keep_a_right_password_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever guessed again once he had his answer was always newer than the right one: it was hashed after all."""
    hashed: list[bytes] = []
    check = bcrypt.checkpw

    def note(password: bytes, hashed_password: bytes) -> bool:
        hashed.append(password)
        return check(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", note)
    passwords, users = Passwords(), {"prometheus": HASH}

    async def guess(guesser: int) -> None:
        for number in range(30):
            assert not await passwords.are_right(users, "prometheus", f"{guesser} {number}")

    guessers = [asyncio.create_task(guess(number)) for number in range(8)]
    await until(lambda: len(hashed) > 8)
    before = len(hashed)
    right = asyncio.create_task(passwords.are_right(users, *RIGHT))
    await asyncio.sleep(0)
    assert not await passwords.are_right(users, "prometheus", "a newer one")
    assert await right
    assert hashed.index(RIGHT[1].encode()) - before <= 16
    for each in guessers:
        each.cancel()
    await every_hash_has_ended()


async def every_hash_has_ended() -> None:
    """A hash in a thread outlives the request that it was made for."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


async def test_who_hangs_up_gives_no_turn_back_before_his_hash_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads are for hashes; the others are needed for what DNS is asked."""
    begun, end = list[bytes](), threading.Event()

    def slow(password: bytes, _hash: bytes) -> bool:
        begun.append(password)
        end.wait(HANG_GUARD)
        return False

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    passwords, users = Passwords(), {RIGHT[0]: HASH}
    for number in range(5):
        guess = asyncio.create_task(passwords.are_right(users, RIGHT[0], f"guess {number}"))
        await until(lambda: len(begun) >= min(number + 1, 2))  # noqa: B023 -- asked before the next one
        await asyncio.to_thread(lambda: None)
        guess.cancel()
    assert len(begun) == 2
    end.set()
    await every_hash_has_ended()


async def test_whoever_waits_with_a_right_password_is_let_in_by_one_that_came_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the middle of a burst it waited for all that came after it: 6 s of 200 at cost 10."""
    hashed, real = list[bytes](), bcrypt.checkpw

    def counted(password: bytes, hash_: bytes) -> bool:
        time.sleep(0.01)
        hashed.append(password)
        return real(password, hash_)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    passwords, users = Passwords(), {RIGHT[0]: HASH}

    def login(password: str, caller: str) -> asyncio.Task[bool]:
        return asyncio.create_task(passwords.are_right(users, RIGHT[0], password, caller))

    guesses = [login(f"before {each}", "a") for each in range(50)]
    waiting = [login(RIGHT[1], "a"), login(RIGHT[1], "b")]
    guesses += [login(f"after {each}", "a") for each in range(50)]
    waiting.append(login(RIGHT[1], "a"))
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert len(hashed) < 10
    assert await asyncio.gather(*guesses) == [False] * 100
    assert not passwords._proved


async def test_who_gives_up_waiting_proves_nothing_and_leaves_nothing() -> None:
    passwords, users = Passwords(), {RIGHT[0]: HASH}
    tasks = [asyncio.create_task(passwords.are_right(users, RIGHT[0], "guess", "a")) for _ in range(9)]
    await asyncio.sleep(0)
    for each in tasks[::2]:
        each.cancel()
    assert {await each for each in tasks[1::2]} == {False}
    del tasks, each  # their tracebacks hold what they waited for
    assert not passwords._proved


async def test_neither_clear_passwords_nor_more_than_100_right_ones_are_kept() -> None:
    passwords = Passwords()
    users = {f"user-{number}": HASH for number in range(101)}
    for user in users:
        assert await passwords.are_right(users, user, RIGHT[1])
    assert len(passwords._right) == 100
    assert not any(RIGHT[1].encode() in digest for digest in passwords._right.values())


async def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    """Cost 9 takes about 30 ms: an answer without a hash would come 100 times sooner."""
    users = {"prometheus": bcrypt.hashpw(b"x", bcrypt.gensalt(9)).decode()}
    passwords = Passwords()

    async def shortest(user: str) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            assert not await passwords.are_right(users, user, "wrong")
            times.append(time.process_time() - began)
        return min(times)

    assert await shortest("nobody") > 0.5 * await shortest("prometheus")
