"""Writing of files: what a rename would replace by mistake stays."""

import os
import stat

import numpy as np
import pytest

from dagames import DomainError
from dagames._files import check_new, check_new_file, write_bytes, write_json, write_text


@pytest.mark.parametrize(("write", "content"), [(write_bytes, b"a"), (write_text, "a"), (write_json, "a")])
def test_writing_replaces_regular_files_only(write, content, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to(os.devnull)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("before")
    for name, words in (("pipe", "is not a regular file"), ("device", "is not a regular file"), ("folder", "a folder")):
        with pytest.raises(DomainError, match=words):
            write(tmp_path / name, content)
    write(tmp_path / "file", content)
    assert "a" in (tmp_path / "file").read_text()
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "device").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "device", "folder", "file"}


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DomainError, match=r"cannot write .*: No space left on device"):
        write_text(tmp_path / "new", "a")
    assert not any(tmp_path.iterdir())


def test_a_file_is_readable_for_all(tmp_path):
    write_text(tmp_path / "new", "a")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644


def test_a_file_of_json_holds_finite_numbers(tmp_path):
    for number in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(tmp_path / "new.json", [number])


def test_output_files_are_new_or_regular(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("before")
    for name, words in (("pipe", "not a regular file"), (".", "is a folder"), ("file/below", "file is a file")):
        with pytest.raises(DomainError, match=words):
            check_new_file(tmp_path / name, overwrite=True)
    check_new_file(tmp_path / "file", overwrite=True)
    check_new_file(tmp_path / "new", overwrite=False)


def test_output_folders_are_new_or_empty(tmp_path):
    (tmp_path / "file").write_text("before")
    with pytest.raises(DomainError, match="is a file; pass the name of a folder"):
        check_new(tmp_path / "file", overwrite=True)
    with pytest.raises(DomainError, match="exists already"):
        check_new(tmp_path, overwrite=False)
    check_new(tmp_path, overwrite=True)
    (tmp_path / "empty").mkdir()
    check_new(tmp_path / "empty", overwrite=False)
