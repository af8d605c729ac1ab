"""The exporter behind `--web.config.file`: TLS, passwords, and both changed while it runs."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import trustme
import yaml

from tests.exporter.programs import USER, Exporter, authorization, down, exporter
from tests.testbed.patience import HANG_GUARD


def write(folder: Path, authority: trustme.CA, password: str) -> Path:
    """A certificate of `authority`, and a file that names it and a user with this password."""
    leaf = authority.issue_cert("127.0.0.1")
    leaf.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    path = folder / "web.yaml"
    tls = {"cert_file": "tls.crt", "key_file": "tls.key"}
    path.write_text(yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": {USER: hashed}}), encoding="utf-8")
    return path


def trusting(*authorities: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for each in authorities:
        each.configure_trust(context)
    return context


def configuration(folder: Path) -> Path:
    """An environment whose Service is a closed port of this machine."""
    path = folder / "stagekeeper.yaml"
    path.write_text("environments: [{name: cf, service: {host: 127.0.0.1, port: 1}}]\n")
    return path


def flags(folder: Path, web: Path) -> tuple[str | Path, ...]:
    return "--config.file", configuration(folder), "--kubeconfig", down(folder), "--web.config.file", web


async def status(running: Exporter, tls: ssl.SSLContext, password: str | None) -> int:
    """What a new connection with this password gets."""
    connector = aiohttp.TCPConnector(ssl=tls)
    async with (
        asyncio.timeout(HANG_GUARD),
        aiohttp.ClientSession(connector=connector, headers=authorization(password)) as session,
        session.get(f"{running.url}/metrics") as response,
    ):
        return response.status


async def test_without_the_password_or_without_tls_there_is_no_answer(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted, web = trusting(authority), write(tmp_path, authority, "first")
    async with exporter(tmp_path, *flags(tmp_path, web), tls=trusted, password="first") as running:
        assert await status(running, trusted, "first") == 200
        assert await status(running, trusted, "wrong") == 401
        assert await status(running, trusted, None) == 401
        async with aiohttp.ClientSession() as plain:
            with pytest.raises(aiohttp.ClientError):
                await plain.get(running.url.replace("https", "http"))


async def test_a_new_certificate_and_a_new_password_hold_without_a_restart(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    web = write(tmp_path, old, "first")
    async with exporter(tmp_path, *flags(tmp_path, web), tls=trusting(old), password="first") as running:
        write(tmp_path, new, "second")
        assert await status(running, trusting(new), "second") == 200
        assert await status(running, trusting(new), "first") == 401
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await status(running, trusting(old), "second")


async def test_a_broken_file_leaves_the_old_one_in_force_and_is_told_in_the_log(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted, web = trusting(authority), write(tmp_path, authority, "first")
    async with exporter(tmp_path, *flags(tmp_path, web), tls=trusted, password="first") as running:
        web.write_text("tls_server_config: {cipher_suites: [x]}\n")
        assert await status(running, trusted, "first") == 200
        assert "cipher_suites" in running.process.log.read_text()


async def test_an_answer_over_tls_is_openmetrics_to_its_end_and_compressed(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted, web = trusting(authority), write(tmp_path, authority, "first")
    wanted = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"}
    async with (
        exporter(tmp_path, *flags(tmp_path, web), tls=trusted, password="first") as running,
        running.session.get(f"{running.url}/metrics", headers=wanted) as response,
    ):
        text = await response.text()
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("\n# EOF\n")
    assert text.count("# EOF") == 1


@pytest.mark.parametrize("key", ["cipher_suites", "client_allowed_sans", "curve_preferences"])
def test_a_key_that_it_would_not_obey_is_refused_by_name(tmp_path: Path, key: str) -> None:
    web = tmp_path / "web.yaml"
    web.write_text(f"tls_server_config: {{cert_file: a, key_file: b, {key}: [x]}}\n")
    given = ("-m", "exporter", "--web.listen-address=127.0.0.1:0", *flags(tmp_path, web))
    done = subprocess.run([sys.executable, *given], capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.returncode == 2
    assert key in done.stderr
