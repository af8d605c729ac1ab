"""The configuration file: every mistake is told by line, key and remedy, and no secret comes out again."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from stagekeeper.config.document import parse, read, spell
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.config.model import Strict
from stagekeeper.config.validation import validate
from stagekeeper.diego.environments import environments


class Inner(Strict):
    """A section within a section."""

    listen_address: str = ":9889"
    token_file: Path | None = None
    count: int = 1
    share: float = 0.5


class Needed(Strict):
    """A section whose file has no default."""

    ca_file: Path


class Outer(Strict):
    """A section."""

    refused: ClassVar[dict[str, str]] = {"rate_limit": "limit requests in front of the program"}

    web: Inner = Inner()
    many: tuple[Inner, ...] = ()
    url: str = ""
    needed: Needed | None = None


def mistakes(text: str) -> list[str]:
    """Every line of the message about the section `exporter:` of this file."""
    with pytest.raises(ConfigurationError) as raised:
        accepted(text)
    return str(raised.value).splitlines()


def accepted(text: str) -> Outer:
    document = parse(text, "stagekeeper.yaml")
    return validate(Outer, document.section("exporter"), document, ("exporter",))


TEN_EACH = "".join(f"  {name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise("abcdefgh"))
LAUGHS = f"exporter:\n  a: &a [{', '.join('1' * 10)}]\n{TEN_EACH}"
MISTAKES = {
    "an unknown section": (
        "exporters: {}\n",
        "stagekeeper.yaml:1: exporters: unknown key (did you mean exporter?). Known are ",
    ),
    "a section that is a number": ("7: {}\n", "stagekeeper.yaml:1: 7: unknown key. "),
    "an unknown key": (
        "exporter:\n  web:\n    listen_adress: ':1'\n",
        "stagekeeper.yaml:3: exporter.web.listen_adress: unknown key (did you mean listen_address?). Known are ",
    ),
    "a key that we know of and can't have": (
        "exporter:\n  rate_limit: 7\n",
        "stagekeeper.yaml:2: exporter.rate_limit: is not supported: limit requests in front of the program.",
    ),
    "an unknown key in a list": (
        "exporter:\n  many:\n    - count: 1\n    - cuont: 2\n",
        "stagekeeper.yaml:4: exporter.many[1].cuont: unknown key (did you mean count?). ",
    ),
    "a value of another type": (
        "exporter:\n  web:\n    count: many\n",
        "stagekeeper.yaml:3: exporter.web.count: must be a whole number. It is 'many'.",
    ),
    "a truth in place of a number": (
        "exporter:\n  web:\n    count: yes\n",
        "stagekeeper.yaml:3: exporter.web.count: must be a whole number. It is true.",
    ),
    "a truth in place of a number that may have a fraction": (
        "exporter:\n  web:\n    share: on\n",
        "stagekeeper.yaml:3: exporter.web.share: must be a number. It is true.",
    ),
    "an empty name of a file": (
        "exporter:\n  web:\n    token_file: ''\n",
        "stagekeeper.yaml:3: exporter.web.token_file: must be the path of a file.",
    ),
    "an empty name of a file that is needed": (
        "exporter:\n  needed: {ca_file: ''}\n",
        "stagekeeper.yaml:2: exporter.needed.ca_file: must be the path of a file. It is ''.",
    ),
    "a section that is a list": (
        "exporter:\n  - web\n",
        "stagekeeper.yaml:1: exporter: must be a mapping; its keys are web, many, url, needed.",
    ),
    "a key given twice": (
        "exporter:\n  url: a\n  web: {}\n  url: b\n",
        "stagekeeper.yaml:4: exporter.url: is given twice; the first is on line 2.",
    ),
    "a hexadecimal number of 6,000 digits": (
        f"environments:\n- {{name: cf, service: {{port: 0x{'f' * 5000}}}}}\n",
        "stagekeeper.yaml:2: environments[0].service.port: is a number that is too long.",
    ),
    "a sexagesimal number of as many": (
        f"exporter:\n  recent_observations: 1{':59' * 3000}\n",
        "stagekeeper.yaml:2: exporter.recent_observations: is a number that is too long.",
    ),
    "a number of 5,000 digits": (
        f"exporter: {'9' * 5000}\n",
        "stagekeeper.yaml:1: exporter: is a number that is too long.",
    ),
    "a section given twice": (
        "exporter: {}\nexporter: {}\n",
        "stagekeeper.yaml:2: exporter: is given twice; the first is on line 1.",
    ),
    "not a mapping": ("- exporter\n", "stagekeeper.yaml: the file must be a mapping with the keys "),
    "a word": ("exporter\n", "stagekeeper.yaml: the file must be a mapping with the keys "),
    "bad indentation": ("exporter:\n  web: {}\n url: a\n", "stagekeeper.yaml:3: is not valid YAML: "),
    "a tab": ("exporter:\n\tweb: {}\n", "stagekeeper.yaml:2: is not valid YAML: "),
    "an open quote": ("exporter:\n  url: 'a\n", "stagekeeper.yaml:3: is not valid YAML: "),
    "two documents": ("exporter: {}\n---\nexporter: {}\n", "stagekeeper.yaml:2: is not valid YAML: "),
    "an unknown alias": (
        "exporter: *web\n",
        "stagekeeper.yaml:1: is not valid YAML: found undefined alias; put quotes around a value that begins with *, ",
    ),
    "a Python object": ("exporter: !!python/object:os.system {}\n", "stagekeeper.yaml:1: is not valid YAML: "),
    "a date that is none": ("exporter: 2026-13-45\n", "stagekeeper.yaml: is not valid YAML: "),
    "an integer of no digits": ("exporter: !!int ''\n", "stagekeeper.yaml: is not valid YAML: "),
    "a truth that is none": ("exporter: !!bool maybe\n", "stagekeeper.yaml: is not valid YAML: "),
    "a time that is none": ("exporter: !!timestamp soon\n", "stagekeeper.yaml: is not valid YAML: "),
    "a key that is a list": ("? [a, b]\n: c\n", "stagekeeper.yaml:1: is not valid YAML: "),
    "NUL": ("exporter: \0\n", "stagekeeper.yaml: is not valid YAML: "),
    "an alias to itself": (
        "exporter: &a\n  many: [*a]\n",
        "stagekeeper.yaml: is nested too deeply, or contains itself by an alias.",
    ),
    "deep nesting": ("exporter: " + "[" * 5_000 + "]" * 5_000 + "\n", "stagekeeper.yaml: is n"),
    "a billion laughs": (LAUGHS, "stagekeeper.yaml: has more than 10000 keys, aliases followed."),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_by_line_key_and_remedy(what: str) -> None:
    text, expected = MISTAKES[what]
    found = mistakes(text)
    assert len(found) == 1, found
    assert found[0].startswith(expected)
    assert found[0].endswith(".")


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes("exporter:\n  web:\n    cuont: 1\n    count: x\n  url: 7\n")
    assert [line.split(": ")[1] for line in found] == ["exporter.web.count", "exporter.web.cuont", "exporter.url"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "exporter:\n", "exporter: {}\n", "---\n"])
def test_a_file_that_says_nothing_means_the_defaults(text: str) -> None:
    assert accepted(text) == Outer()


def test_keys_are_text_as_they_are_written() -> None:
    document = parse("exporter:\n  no: 1\n  7: 2\n  ~: 3\n  2026-01-01: 4\n  1.50: 5\n", "f")
    assert document.section("exporter") == {"no": 1, "7": 2, "~": 3, "2026-01-01": 4, "1.50": 5}


def test_keys_that_are_the_same_text_are_one_key() -> None:
    assert mistakes("exporter:\n  7: a\n  '7': b\n")[0].endswith("is given twice; the first is on line 2.")


def test_anchors_aliases_and_merges_are_followed() -> None:
    text = "exporter:\n  web: &w\n    count: 2\n  many:\n    - *w\n    - <<: *w\n      listen_address: ':1'\n"
    assert accepted(text).many == (Inner(count=2), Inner(count=2, listen_address=":1"))


def test_a_mistake_behind_an_alias_is_told_where_it_stands() -> None:
    found = mistakes("exporter:\n  web: &w\n    count: 2\n    cuont: 2\n  many:\n    - *w\n")
    assert [line.split(":")[1] for line in found] == ["4", "4"]


def test_a_mistake_behind_a_merge_is_told_near_where_it_is_used() -> None:
    found = mistakes("environments:\n  - &w\n    cuont: 2\nexporter:\n  web:\n    <<: *w\n")
    assert found[0].startswith("stagekeeper.yaml:5: exporter.web.cuont: unknown key")


def test_a_file_that_can_not_be_read_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path / "absent.yaml")
    assert str(raised.value).endswith("No such file or directory. Name a readable file with --config.file.")
    with pytest.raises(ConfigurationError, match=r"can't be read: Is a directory\. Name a readable file"):
        read(tmp_path)


def test_a_file_that_is_not_text_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_bytes(b"exporter: \xff\n")
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 text \(byte 10\)"):
        read(path)


def test_no_file_means_the_defaults() -> None:
    assert read(None).section("exporter") is None


@pytest.mark.parametrize(
    ("place", "spelled"),
    [((), ""), (("environments", 0, "service", "host"), "environments[0].service.host"), ((1,), "[1]")],
)
def test_a_place_is_spelled_as_a_person_writes_it(place: tuple[str | int, ...], spelled: str) -> None:
    assert spell(place) == spelled


SECRETS = {
    "a token in place of its file": "exporter:\n  web:\n    token_file: [hunter2]\n",
    "a token that is a number": "exporter:\n  web:\n    token_file: 4711\n",
    "an unknown key with a password": "exporter:\n  password: hunter2\n",
    "a password that begins like an alias": "exporter:\n  password: *hunter2\n",
    "a password that begins like a tag": "exporter:\n  password: !hunter2 x\n",
    "a password like an alias below a key that says nothing": "exporter:\n  alice: *hunter2\n",
    "a password like an alias on a line of its own": "exporter:\n  password:\n    *hunter2\n",
    "a password like a tag below a key that says nothing": "exporter:\n  alice: !hunter2 x\n",
    "a password like a tag with a quote": "exporter:\n  alice: !it's-hunter2 x\n",
    "a password like a tag with both quotes": "exporter:\n  alice: !it's%22hunter2 x\n",
    "a password like a handle": "exporter:\n  alice: !hunter2!x y\n",
    "a password like an anchor": "exporter:\n  alice: &hunter2 x\n  bob: &hunter2 *y\n",
    "a token in place of the section that names its file": "exporter:\n  web: hunter2\n",
    "a token in a list of sections": "exporter:\n  many: [hunter2]\n",
    "a token in a URL": "exporter:\n  web:\n    count: https://grafana.example/d?auth_token=hunter2\n",
    "a token behind a URL": "exporter:\n  web:\n    count: grafana.example/d#hunter2\n",
    "a key in the wrong place": "exporter:\n  web:\n    count: |\n      -----BEGIN PRIVATE KEY-----\n      hunter2\n",
    "a password below a key that says so": "exporter:\n  web:\n    count: {basic_auth: hunter2}\n",
    "a password in a URL": "exporter:\n  web:\n    count: http://me:hunter2@alertmanager\n",
}


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_never_comes_out_again(what: str) -> None:
    said = "\n".join(mistakes(SECRETS[what]))
    assert "hunter2" not in said
    assert "4711" not in said


@given(st.text(alphabet=st.sampled_from("abc:-[]{}&*!<>|'\"#\n \t7,?%@\\"), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        document = parse(text, "f")
    except ConfigurationError as problem:
        assert str(problem).startswith("f:")  # noqa: PT017 -- either outcome is right, and this one has a form
    else:
        assert set(document.data) <= {"environments", "exporter", "remediator"}


# environments:


PLACES = ["service: {{host: '{}'}}", "tls: {{ca_file: a, cert_file: b, key_file: c, server_name: '{}'}}"]
HOSTS = ["-x", "a..b", ".diego-api", "http://diego-api", "diego-api:8889", "a b", "x" * 64, "x." * 127 + "xx", "1:2:3"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("where", PLACES)
def test_a_host_that_no_resolver_or_handshake_would_take_is_refused(host: str, where: str) -> None:
    text = f"environments:\n  - name: cf\n    {where.format(host)}\n"
    with pytest.raises(ConfigurationError, match="must be a host name or an IP address"):
        environments(parse(text, "f"))


@pytest.mark.parametrize("host", ["diego-api", "diego-api.cf.svc.cluster.local.", "10.0.0.1", "fd00::1", "A1.b"])
def test_a_host_may_be_a_name_or_an_address(host: str) -> None:
    found = environments(parse(f"environments:\n  - name: cf\n    service: {{host: '{host}'}}\n", "f"))
    assert found[0].service_host == host


@pytest.mark.parametrize("address", ["postgres:5432", "10.0.0.1:1", "[fd00::1]:5432"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    found = environments(parse(f"environments:\n  - name: cf\n    database: {{address: '{address}'}}\n", "f"))
    assert found[0].database_address == address


@pytest.mark.parametrize("address", ["postgres", ":5432", "postgres:0", "postgres:65536", "postgres:x", "a..b:1"])
def test_an_address_without_a_host_or_a_port_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="must be host:port"):
        environments(parse(f"environments:\n  - name: cf\n    database: {{address: '{address}'}}\n", "f"))


def test_settings_are_values_that_nobody_changes() -> None:
    made: Any = Inner()
    with pytest.raises(ValueError, match="frozen"):
        made.count = 2


def test_a_place_has_no_names_of_types_where_a_value_may_be_of_two() -> None:
    class Either(Strict):
        remediators: Annotated[int, Field(le=9)] | list[str] = 1

    with pytest.raises(ConfigurationError) as raised:
        validate(Either, {"remediators": 10}, parse("remediators: 10", "i.yaml", sections=()), ())
    assert str(raised.value).splitlines() == [
        "i.yaml:1: remediators: must be at most 9. It is 10.",
        "i.yaml:1: remediators: must be a list. It is 10.",
    ]
