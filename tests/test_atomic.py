"""A file is written whole or not at all, whoever else writes it at the same moment."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tui_ft.atomic import keep, write_atomically
from tui_ft.errors import TuiFtError


def test_two_threads_that_write_one_file_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "draft.json"
    sync = os.fsync

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        other = threading.Thread(target=write_atomically, args=(path, b"other"))
        other.start()
        other.join()
        assert path.read_bytes() == b"other"
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_atomically(path, b"the first, which is longer")
    assert path.read_bytes() == b"the first, which is longer"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_what_cannot_be_written_is_a_sentence_and_leaves_the_old(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file is in the way")
    with pytest.raises(TuiFtError, match="cannot be written"):
        keep(tmp_path / "file" / "x", b"new")
    assert (tmp_path / "file").read_text() == "a file is in the way"
