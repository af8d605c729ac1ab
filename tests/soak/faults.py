"""What breaks, one after the other, on the simulated environment."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trustme

from simulator.environment import Environment

ALL = "GET POST PUT PATCH DELETE"
_CHANGES = "POST PUT PATCH DELETE"
Act = Callable[[Environment], None]


def _clear(environment: Environment) -> None:
    environment.api_faults.clear()


@dataclass(frozen=True, slots=True)
class Fault:
    """How it begins and how it ends."""

    begin: Act
    end: Act = _clear


def _frozen(environment: Environment) -> None:
    environment.api_faults.freeze()


def _cut(environment: Environment) -> None:
    environment.api_faults.close(ALL, ".")


def _slow(environment: Environment) -> None:
    environment.api_faults.delay(ALL, ".", seconds=0.05)


def _answers(environment: Environment, status: int) -> None:
    environment.api_faults.answer(ALL, ".", status, retry_after=1)


def _garbage(environment: Environment) -> None:
    environment.api_faults.garbage(ALL, ".")


def _loses_answers(environment: Environment) -> None:
    environment.api_faults.lose_answer(_CHANGES, ".")


def _token_expires(environment: Environment) -> None:
    environment.api_faults.token_revoked = True


def _shift(environment: Environment, seconds: float) -> None:
    environment.clock.shift(seconds)


class _OtherCertificate:
    """The API server shows a certificate of an authority that nobody trusts; connections that stand are cut."""

    def __init__(self, context: ssl.SSLContext, ours: Path, folder: Path) -> None:
        self._context, self._ours = context, ours
        self._theirs = folder / "other.pem"
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(self._theirs)

    def begin(self, environment: Environment) -> None:
        self._context.load_cert_chain(self._theirs)
        environment.api_faults.close(ALL, ".")

    def end(self, environment: Environment) -> None:
        self._context.load_cert_chain(self._ours)
        environment.api_faults.clear()


def faults(environment: Environment, folder: Path) -> Mapping[str, Fault]:
    """Every fault by its name."""
    other = _OtherCertificate(environment.api._context, environment.certificates.api_server, folder)
    back, forth = (partial(_shift, seconds=seconds) for seconds in (-7200.0, 7200.0))
    return {
        "nothing": Fault(_clear),
        "the API server is frozen": Fault(_frozen),
        "the API server cuts every connection": Fault(_cut),
        "the API server is slow": Fault(_slow),
        "the API server answers 429": Fault(partial(_answers, status=429)),
        "the API server answers 500": Fault(partial(_answers, status=500)),
        "the API server answers garbage": Fault(_garbage),
        "the API server loses its answers to changes": Fault(_loses_answers),
        "the API server has another certificate": Fault(other.begin, other.end),
        "the token has expired": Fault(_token_expires),
        "the clock jumps back": Fault(back, forth),
        "the clock jumps forth": Fault(forth, back),
    }
