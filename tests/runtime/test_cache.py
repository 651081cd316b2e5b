"""The disk cache gives back what was kept, or nothing; it never gets in the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fathom.runtime import cache
from fathom.runtime.cache import cached, folder

CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_CACHE", str(tmp_path / "cache"))


class Builder:
    """Counts how often it is asked."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return self.content


def kept_file() -> Path:
    (path,) = folder().iterdir()
    return path


def test_a_content_is_built_once() -> None:
    build = Builder()
    assert [cached("a key", build) for _ in range(3)] == [CONTENT] * 3
    assert build.calls == 1


def test_other_keys_have_other_contents() -> None:
    assert cached("a", lambda: b"1") == b"1"
    assert cached("b", lambda: b"2") == b"2"
    assert cached("a", lambda: b"3") == b"1"


def test_another_version_of_the_compiler_builds_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cached("a", lambda: b"1")
    monkeypatch.setattr(cache, "_makers", lambda: "newer")
    assert cached("a", lambda: b"2") == b"2"


@pytest.mark.parametrize("length", [0, 5, 20, 45, 46, 47, 1000])
def test_a_truncated_file_is_made_anew(length: int) -> None:
    cached("a", Builder())
    kept_file().write_bytes(kept_file().read_bytes()[:length])
    build = Builder()
    assert cached("a", build) == CONTENT
    assert build.calls == 1
    assert cached("a", build) == CONTENT
    assert build.calls == 1


@pytest.mark.parametrize("place", [0, 13, 14, 45, 46, 5000, -1])
def test_a_changed_file_is_made_anew(place: int) -> None:
    cached("a", Builder())
    damaged = bytearray(kept_file().read_bytes())
    damaged[place] ^= 1
    kept_file().write_bytes(damaged)
    build = Builder()
    assert cached("a", build) == CONTENT
    assert build.calls == 1


def test_a_file_under_another_name_is_not_taken_for_it() -> None:
    cached("a", lambda: b"1")
    first = kept_file()
    cached("b", lambda: b"2")
    (second,) = set(folder().iterdir()) - {first}
    first.replace(second)
    assert cached("b", lambda: b"2") == b"2"


def test_nobody_else_can_read_or_write_what_is_kept() -> None:
    cached("a", Builder())
    assert folder().stat().st_mode & 0o777 == 0o700
    assert kept_file().stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners and permissions")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_trusted(mode: int) -> None:
    cached("a", lambda: b"1")
    kept_file().chmod(mode)
    assert cached("a", lambda: b"2") == b"2"
    assert kept_file().stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners and permissions")
def test_a_folder_that_others_can_write_is_not_used() -> None:
    cached("a", lambda: b"1")
    folder().chmod(0o777)
    assert cached("a", lambda: b"2") == b"2"
    assert cached("b", lambda: b"3") == b"3"
    assert len(list(folder().iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners and permissions")
def test_what_another_user_owns_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    cached("a", lambda: b"1")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert cached("a", lambda: b"2") == b"2"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    cached("a", lambda: b"1")
    path = kept_file()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cached("a", lambda: b"2") == b"2"


def test_without_a_folder_everything_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("FATHOM_CACHE", str(tmp_path / "a file"))
    build = Builder()
    assert [cached("a", build) for _ in range(2)] == [CONTENT] * 2
    assert build.calls == 2


def test_on_a_full_disk_everything_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert cached("a", Builder()) == CONTENT
    assert list(folder().iterdir()) == []


def test_the_folder_stays_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_LARGEST", 20 * len(CONTENT))
    monkeypatch.setattr(cache, "_WRITES_BETWEEN_CLEANINGS", 1)
    for number in range(50):
        cached(f"key {number}", Builder())
        for age, path in enumerate(sorted(folder().iterdir(), key=lambda p: p.stat().st_mtime_ns)):
            os.utime(path, (age, age))
    total = sum(path.stat().st_size for path in folder().iterdir())
    assert 10 * len(CONTENT) < total < 22 * len(CONTENT)
    latest = Builder()
    cached("key 49", latest)
    assert latest.calls == 0


def test_other_files_in_the_folder_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_LARGEST", 0)
    monkeypatch.setattr(cache, "_WRITES_BETWEEN_CLEANINGS", 1)
    cached("a", Builder())
    (folder() / "letter.txt").write_text("Dear user")
    cached("b", Builder())
    assert (folder() / "letter.txt").exists()


WRITER = """
import sys
from fathom.runtime.cache import cached
for number in range(150):
    content = bytes([number]) * 5000
    assert cached(f"{number % 5}", lambda: bytes([number % 5]) * 5000) == bytes([number % 5]) * 5000
    if number % 7 == 0:
        from fathom.runtime.cache import folder
        for path in folder().iterdir():
            path.unlink(missing_ok=True)
            break
"""


def test_two_processes_write_at_once() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
