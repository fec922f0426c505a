"""Writing of files: what a rename would replace by mistake stays."""

import os

import pytest

from dagames import DomainError
from dagames._files import write_bytes, write_json, write_text


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
