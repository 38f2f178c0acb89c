"""Files that grow are followed by whole lines, and no control character of a log gets through."""

from __future__ import annotations

from pathlib import Path

from tui_ft.watch.log import KEPT_LINES, LogBuffer, clean_line
from tui_ft.watch.tail import LONGEST_LINE_BYTES, Tail


def test_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    tail = Tail(path)
    assert tail.read() == b""
    path.write_bytes(b"one\ntw")
    assert tail.read() == b"one\n"
    assert tail.torn == b"tw"
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert tail.read() == b"two\nthree\n"
    assert tail.read() == b""


def test_a_file_that_shrank_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    tail.read()
    path.write_bytes(b"new\n")
    assert tail.read() == b"new\n"
    assert tail.restarted


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"x" * (LONGEST_LINE_BYTES + 100_000) + b"\nnext\n")
    tail = Tail(path)
    found = b""
    while not tail.is_at_end or not tail.offset:
        found += tail.read()
        assert len(tail.torn) <= LONGEST_LINE_BYTES + 65_536
    assert found == b"next\n"
    assert tail.lost_lines == 1


def test_control_characters_never_get_through() -> None:
    hostile = "\x1b]0;title\x07a\x1b[31mb\x1b[2Jc\x00\x9b5m\u202ed\x1bPq\x1b\\e\ufffe"
    assert clean_line(hostile) == "abcde"
    assert clean_line("\tindented") == "    indented"


def test_of_a_progress_bar_the_last_writing_is_shown() -> None:
    assert clean_line("10%\r50%\r100%\r") == "100%"


def test_of_a_long_log_the_end_is_kept_and_its_torn_last_line_shown(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text("".join(f"line {i}\n" for i in range(50_000)) + "Killed")
    log = LogBuffer(path)
    assert log.poll()
    assert log.lines[-2:] == ("line 49999", "Killed")
    assert len(log.lines) <= KEPT_LINES + 1
    assert not log.poll()
