import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from stagekeeper.config.errors import ConfigurationError
from stagekeeper.service.files import Reloaded, read_text, signature
from tests.service.kit import replace


def test_a_signature_changes_when_a_file_is_rewritten_in_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    before = signature(path)
    assert signature(path) == before
    path.write_text("other")
    assert signature(path) != before


def test_a_signature_changes_when_a_file_is_replaced_by_one_of_the_same_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    before = signature(path)
    replace(path, b"two")
    assert signature(path) != before


def test_a_signature_changes_when_kubelet_swaps_the_data_link(tmp_path: Path) -> None:
    """Kubelet writes ..<time>/token, and renames a new link ..data over the old one; token links to ..data/token."""
    for name in ("..first", "..second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text("same")
    (tmp_path / "..data").symlink_to("..first")
    (tmp_path / "token").symlink_to("..data/token")
    before = signature(tmp_path / "token")
    (tmp_path / "..data_tmp").symlink_to("..second")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert signature(tmp_path / "token") != before


def test_a_missing_file_and_a_loop_of_links_have_a_signature_too(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert signature(tmp_path / "missing", loop) == (None, None)


def test_an_unreadable_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_text(tmp_path / "missing", "The token file")
    assert str(raised.value) == f"The token file {tmp_path / 'missing'} can't be read: No such file or directory."


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"ab\xff")
    with pytest.raises(ConfigurationError, match=r"binary is not a text file \(byte 2 is not UTF-8\)"):
        read_text(tmp_path / "binary", "The token file")


def number_in(path: Path) -> Reloaded[int]:
    """A number that is read from a file; "broken" cannot be used."""

    def load() -> int:
        try:
            return int(path.read_text())
        except ValueError as error:
            raise ConfigurationError("no number.") from error

    return Reloaded("The number", [path], load)


def test_a_value_is_loaded_again_only_after_its_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    loads: list[None] = []
    reloaded = Reloaded("The file", [path], lambda: loads.append(None))
    reloaded.current()
    reloaded.current()
    assert len(loads) == 1
    path.write_text("22")
    reloaded.current()
    assert len(loads) == 2


def test_a_broken_new_file_keeps_the_old_value_and_is_logged_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    reloaded = number_in(path)
    assert reloaded.current() == 1
    with capture_logs() as logs:
        for content in ("broken", "still broken"):
            path.write_text(content)
            assert reloaded.current() == 1
            assert reloaded.current() == 1
    assert [(line["event"], line["what"], line["reason"]) for line in logs] == [
        ("A file has changed but can't be used; what was read before stays in force.", "The number", "no number.")
    ]


def test_what_a_loader_did_not_foresee_keeps_the_old_value_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    reloaded = Reloaded("The number", [path], lambda: int(path.read_text()))
    assert reloaded.current() == 1
    path.write_text("hunter2")
    with capture_logs() as logs:
        assert reloaded.current() == 1
    assert [line["reason"] for line in logs] == ["unexpected ValueError."]


def test_a_mended_file_is_taken_and_the_problem_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    reloaded = number_in(path)
    reloaded.current()
    path.write_text("broken")
    reloaded.current()
    path.write_text("2")
    with capture_logs() as logs:
        assert reloaded.current() == 2
    assert [(line["event"], line["what"]) for line in logs] == [
        ("A file has changed and was read again.", "The number")
    ]


def test_a_version_that_lacked_something_else_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other, clock = tmp_path / "file", tmp_path / "other", [0.0]
    monkeypatch.setattr("stagekeeper.service.files.time.monotonic", lambda: clock[0])
    path.write_text("1")
    value = Reloaded(
        "The number", [path], lambda: path.read_text() + ("" if path.read_text() == "1" else read_text(other, "It"))
    )
    assert value.current() == "1"
    path.write_text("22")
    assert value.current() == "1"
    other.write_text("!")
    assert value.current() == "1"
    clock[0] = 5.0
    assert value.current() == "22!"


def test_the_first_load_must_succeed_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("broken")
    reloaded = number_in(path)
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            reloaded.current()
    path.write_text("3")
    assert reloaded.current() == 3


@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkfifo, "a FIFO"), (os.mkdir, "a directory")], ids=["a FIFO", "a directory"]
)
def test_what_is_no_file_is_refused_by_name_and_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None], kind: str
) -> None:
    path = tmp_path / "token"
    make(path)
    with pytest.raises(ConfigurationError) as raised:
        read_text(path, "The token file")
    assert str(raised.value) == f"The token file {path} is not a regular file (it is {kind})."


def test_no_more_is_read_than_a_file_of_ours_can_have(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with path.open("wb") as file:
        file.truncate(1024 * 1024 + 1)
    with pytest.raises(ConfigurationError, match=r"token is larger than 1048576 bytes; is it the right file\?"):
        read_text(path, "The token file")
