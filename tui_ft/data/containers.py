"""Which container a data file really is, judged by its content first and its name second."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field, replace
from pathlib import Path

from tui_ft.data.declared import REGISTER, data_file
from tui_ft.data.names import ENDINGS, JSON_LINES, TEXTS
from tui_ft.data.opening import opened, reading
from tui_ft.data.sniff import Container, sniff
from tui_ft.data.unreadable import FileCode, UnreadableError
from tui_ft.data.wording import shown

ACCEPTED = "JSON, JSONL, CSV, TSV, Parquet and text (.txt), plain or gzipped, in UTF-8"

_HEAD_BYTES = 64 * 1024
_NO_DATA = (REGISTER, "README.md")
_FOREIGN: tuple[tuple[bytes, FileCode, str, str], ...] = (
    (b"PK\x03\x04", "archive", "is a zip archive (or an Excel workbook)", "Unpack it, or save it as CSV."),
    (b"\x28\xb5\x2f\xfd", "archive", "is compressed with zstd", "Unpack it with `unzstd`."),
    (b"BZh", "archive", "is compressed with bzip2", "Unpack it with `bunzip2`."),
    (b"\xfd7zXZ\x00", "archive", "is compressed with xz", "Unpack it with `unxz`."),
    (b"7z\xbc\xaf", "archive", "is a 7z archive", "Unpack it."),
    (b"\x1f\x8b", "archive", "is gzipped twice", "Unpack it once with `gunzip`."),
    (b"ARROW1", "not_a_data_set", "is an Arrow file", "Save it as Parquet: Dataset.to_parquet()."),
    (b"\xff\xff\xff\xff", "not_a_data_set", "is an Arrow file", "Save it as Parquet: Dataset.to_parquet()."),
    (b"%PDF-", "not_a_data_set", "is a PDF", "Give its text as rows."),
    (b"SQLite format 3", "not_a_data_set", "is an SQLite database", "Export the table as CSV."),
    (
        b"version https://git-lfs.github.com/spec/", "git_lfs_pointer",
        "is a git-lfs pointer, not the data itself", "Run `git lfs pull` in its repository.",
    ),
)  # fmt: skip
_MOST_CONTROLS = 0.1
"""A larger share of control characters (with NULs among them: of what is no text) makes a file binary."""

_USUAL: dict[Container, tuple[str, ...]] = {
    "jsonl": JSON_LINES, "json": (".json",), "parquet": (".parquet",), "csv": (".csv", ".tsv", ".tab"),
    "tsv": (".tsv", ".tab", ".csv"), "text": TEXTS,
}  # fmt: skip
_NAMES: dict[Container, str] = {
    "jsonl": "JSON lines", "json": "a JSON document", "parquet": "Parquet", "csv": "a table (CSV)",
    "tsv": "a table (TSV)", "text": "plain text",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What the beginning of a data file shows.

    `encoding` is Python's name of it ("" for Parquet), `compression` "gzip" or "". `remarks` are what is
    worth knowing, each as a stable word and a sentence.
    """

    container: Container
    encoding: str = "utf-8"
    compression: str = ""
    remarks: list[tuple[str, str]] = field(default_factory=list)
    cr_only: bool = False


def look(path: Path) -> Look:
    """Return what `path` holds. Raises `UnreadableError` when it is missing, a folder, empty, or no data.

    For a register of data sets (`tui_ft.data.declared`) it is what the only file named there holds.
    """
    path = data_file(path)
    with reading(path):
        if path.is_dir():
            raise _folder(path)
    with opened(path) as file:
        head = file.stream.read(_HEAD_BYTES)
        while head.isspace() and (more := file.stream.read(_HEAD_BYTES)):
            head = more
        compression = "gzip" if file.is_packed else ""
        if not head and file.damage:
            raise UnreadableError(path, "damaged", "is a damaged gzip file", "Download or pack it again.")
    return _judge(path, head, compression)


def _judge(path: Path, head: bytes, compression: str) -> Look:
    if head.startswith(b"PAR1"):
        if compression:
            raise UnreadableError(path, "archive", "is a gzipped Parquet file", "Unpack it with `gunzip`.")
        found = Look("parquet", encoding="")
        return replace(found, remarks=_remarks(found, path, ""))
    for magic, code, what, hint in _FOREIGN:
        if head.startswith(magic):
            raise UnreadableError(path, code, what, hint)
    if head[257:262] == b"ustar":
        raise UnreadableError(path, "archive", "is a tar archive", "Unpack it with `tar xf`.")
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    if not text.strip():
        raise UnreadableError(path, "empty_file", "is empty", "Give a file with at least one row.")
    if _is_binary(text):
        raise UnreadableError(path, "binary", "is a binary file", f"Read are {ACCEPTED}.")
    if text.lstrip()[:14].lower().startswith(("<!doctype html", "<html")):
        hint = "Download the raw file instead of the page that shows it."
        raise UnreadableError(path, "not_a_data_set", "is a web page (HTML), not the data", hint)
    cr_only = "\r" in text and "\n" not in text
    text = text.replace("\r", "\n") if cr_only else text
    found = Look(_container_of(path, text), encoding, compression, cr_only=cr_only)
    return replace(found, remarks=_remarks(found, path, text))


def _container_of(path: Path, text: str) -> Container:
    if found := sniff(text, _suffix(path)):
        return found
    what = "is no data file that is known here"
    raise UnreadableError(path, "not_a_data_set", what, f"Read are {ACCEPTED}.")


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    low, high = head[0::2], head[1::2]
    for encoding, empty, full in (("utf-16-le", high, low), ("utf-16-be", low, high)):
        if empty.count(0) > 0.1 * len(empty) and empty.count(0) > 10 * full.count(0):
            return encoding
    return "utf-8"


def _is_binary(text: str) -> bool:
    odd = sum(1 for c in text if (c < " " and c not in "\t\n\r\f\x1b") or (c == "\ufffd" and "\x00" in text))
    return odd > len(text) * _MOST_CONTROLS


def _folder(path: Path) -> UnreadableError:
    inside = _data_files(path) or _data_files(path / "data")  # as on the hub
    names = [str(file.relative_to(path)) for file in inside]
    hint = f"Give one of its files: {shown(', '.join(names))}." if names else "Give a data file."
    return UnreadableError(path, "folder", "is a folder, not a data file", hint)


def _data_files(folder: Path) -> list[Path]:
    """Return some files of a folder that are named as data."""
    if not folder.is_dir():
        return []
    files = (p for p in folder.iterdir() if _suffix(p) in ENDINGS and p.name not in _NO_DATA)
    return sorted(files)[:5]


def _remarks(look: Look, path: Path, text: str) -> list[tuple[str, str]]:
    """Return what is worth knowing about a file that begins with `text`."""
    remarks = []
    suffix = _suffix(path)
    if suffix not in _USUAL[look.container]:
        named = f"is named {suffix}" if suffix else "has no extension"
        remarks.append(("wrong_extension", f"It holds {_NAMES[look.container]}, though it {named}."))
    if look.compression and path.suffix.lower() != ".gz":
        remarks.append(("wrong_extension", "It is gzipped, though its name does not end in .gz."))
    if look.encoding == "utf-8-sig":
        remarks.append(("byte_order_mark", "It begins with a byte order mark, which is passed over."))
    elif look.encoding.startswith(("utf-16", "utf-32")):
        remarks.append(("utf_16", f"It is in {look.encoding[:6].upper()}; most tools want UTF-8."))
    if look.cr_only:
        remarks.append(("cr_only", "Its lines end in carriage returns alone; most tools want line feeds."))
    elif "\r\n" in text:
        remarks.append(("crlf", "Its lines end as on Windows (CR LF); they are read all the same."))
    return remarks
