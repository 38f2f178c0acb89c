# ruff: noqa: E501, T201, PTH118 - a command that prints; paths of bytes
"""Coverage-guided fuzzing of all readers of runs, for as long as one likes.

    python tests/fuzz_readers.py [TARGET …] [--seconds 60] [--folder FOLDER]

A target is a small run of `small_runs` (its file is damaged), one of them with its records or rows packed
anew after the damage (`…_records`, `…_rows`: checksums hold), `finder` (a tree of files) or `report`. Each
runs in a process of its own, guided by atheris where that is installed (`pip install atheris`), else by the
lines that Python reports to a tracer. Broken rules and exceptions are counted by place, the input that shows
each is kept in FOLDER, and the exit code is 1 when there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

Execute = Callable[[bytes], None]
LONGEST_INPUT = 100_000
SEPARATOR = b"\x1e\x1f"


def prepare(target: str, folder: Path) -> tuple[Execute, bytes]:
    """Return what runs one input of a target, and a first input."""
    import mutants
    import small_runs

    if target == "report":
        return _report, bytes(range(256)) * 4
    if target == "finder":
        return _finder(folder), _tree_of_small_runs(folder / "seed")
    name, _, packing = target.partition(":")
    run = next(run for run in small_runs.RUNS if run.name == name)
    file = small_runs.made(run, folder / "run")
    seed = file.read_bytes()
    place = mutants.place_at(run.format, file)
    before = mutants.listing(folder / "run")

    def execute(data: bytes) -> None:
        _PACKINGS[packing](file, data)
        now = small_runs.CHANGED_AT
        os.utime(file, (now, now))
        mutants.check(mutants.read_whole(mutants.opened(place, now + 10)), file)
        if [name for name, _ in mutants.listing(folder / "run")] != [name for name, _ in before]:
            raise mutants.BrokenRuleError("files were written beside the run")

    return execute, _UNPACKINGS[packing](seed, file)


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def _pack_records(file: Path, data: bytes) -> None:
    """Records, each with its checksum."""
    from foreign_writers import BlockLog, frame

    records = data.split(SEPARATOR)
    if "tfevents" in file.name:
        file.write_bytes(b"".join(map(frame, records)))
    else:
        with open(file, "wb") as out:
            log = BlockLog(out)
            for record in records:
                log.write(record)


def _unpack_records(data: bytes, file: Path) -> bytes:
    from end_marks import _records

    if "tfevents" not in file.name:
        return SEPARATOR.join(_records(data))
    records, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        records.append(data[at + 12 : at + 12 + size])
        at += 16 + size
    return SEPARATOR.join(records)


_ROW_TABLES = {
    "mlflow.db": ("value", "step", "timestamp", "key"),
    "small.db": ("metrics", "step", "timestamp", "run_name"),
}


def _pack_rows(file: Path, data: bytes) -> None:
    """Rows of the table of metrics: the fuzzer says their columns, as numbers, text or bytes."""
    columns = _ROW_TABLES[file.name]
    with closing(sqlite3.connect(file)) as database:
        owner = "run_uuid" if file.name == "mlflow.db" else "run_id"
        run = database.execute(f"SELECT {owner} FROM metrics WHERE rowid=1").fetchone()[0]
        database.execute("DELETE FROM metrics WHERE rowid>1")
        for row in data.split(b"\n")[:200]:
            cells = [_cell(cell) for cell in [*row.split(b"\t"), b"", b"", b"", b""][: len(columns)]]
            marks = ", ".join("?" * (len(cells) + 1))
            database.execute(
                f"INSERT INTO metrics ({owner}, {', '.join(columns)}) VALUES ({marks})",
                (run, *map(_not_null, cells)),
            )
        database.commit()


def _cell(cell: bytes) -> Any:
    for read in (int, float):
        try:
            value = read(cell)
            return value if not isinstance(value, int) or abs(value) < 2**63 else float(value)
        except (ValueError, OverflowError):
            continue
    return cell if b"{" in cell else cell.decode("utf-8", errors="replace")


def _not_null(value: Any) -> Any:
    return 0.0 if value != value else value


def _unpack_rows(data: bytes, file: Path) -> bytes:
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute(f"SELECT {', '.join(_ROW_TABLES[file.name])} FROM metrics").fetchall()
    return b"\n".join(
        b"\t".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row) for row in rows
    )


_PACKINGS: dict[str, Callable[[Path, bytes], None]] = {
    "": _write,
    "records": _pack_records,
    "rows": _pack_rows,
}
_UNPACKINGS: dict[str, Callable[[bytes, Path], bytes]] = {
    "": lambda data, file: data, "records": _unpack_records, "rows": _unpack_rows,
}  # fmt: skip


def _tree_of_small_runs(folder: Path) -> bytes:
    import small_runs

    for run in small_runs.RUNS[:10]:
        small_runs.made(run, folder / run.name if len(run.name) % 2 else folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return SEPARATOR.join(
        str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in files
    )


def _finder(folder: Path) -> Execute:
    """The input is a tree: each part is a path, a line's end, and the content of the file."""
    import mutants

    from tui_ft.watch.finding import find_runs
    from tui_ft.watch.foreign_run import open_run

    top = folder / "tree"

    def execute(data: bytes) -> None:
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        for part in data.split(SEPARATOR)[:40]:
            name, _, content = part.partition(b"\n")
            steps = [step for step in name.split(b"/")[:6] if step not in (b"", b".", b"..")]
            try:
                path = Path(os.fsdecode(os.path.join(os.fsencode(top), *[step[:200] for step in steps])))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except (OSError, ValueError):
                continue
        before = mutants.listing(top)
        for found in find_runs(top, 1.8e9)[:4]:
            for note in (*found.notes, found.title):
                mutants.check_text(note)
            reading = mutants.read_whole(open_run(found, lambda: 1.8e9, lambda paths: ()))
            mutants.check(reading)
            if any("please report it" in note for note in reading.notes):
                raise mutants.BrokenRuleError(f"a reader fails: {reading.notes}")
        if mutants.listing(top) != before:
            raise mutants.BrokenRuleError("files were written into the tree")

    return execute


def _report(data: bytes) -> None:
    """A reading of whatever numbers and texts there are."""
    from tui_ft.watch.reading import Reading
    from tui_ft.watch.report import as_json, as_text
    from tui_ft.watch.series import Series

    numbers = [number for (number,) in struct.iter_unpack("<d", data[: len(data) // 8 * 8])]
    words = data.decode("utf-8", errors="surrogateescape").split("\n")
    series = Series()
    series.extend(numbers[::2], numbers[1::2] + [0.0] * (len(numbers[::2]) - len(numbers[1::2])))
    series.settle()
    at = dict(enumerate(numbers))
    reading = Reading(
        source="stdout", title=words[0], path=words[-1], status="running", reason=words[0], step=len(numbers),
        total_steps=len(data), epoch=at.get(0), started_at=at.get(1), updated_at=at.get(2), times=series,
        series={"loss": series}, settings={"a": at.get(3), **dict.fromkeys(words, words[0])}, notes=tuple(words),
        checkpoint_steps=tuple(numbers),
    )  # fmt: skip
    as_text(reading, at.get(4, 1.8e9) if abs(at.get(4, 0.0)) < 1e11 else 1.8e9)
    json.loads(json.dumps(as_json(reading), allow_nan=False), parse_constant=int)


class Findings:
    """What went wrong, once for each place where it did."""

    def __init__(self, folder: Path, target: str) -> None:
        self.executions = 0
        self.places: dict[str, int] = {}
        self._folder, self._target = folder, target.replace(":", "_")

    def run(self, execute: Execute, data: bytes) -> None:
        self.executions += 1
        try:
            execute(data[:LONGEST_INPUT])
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:160]}"
            key = f"{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"
            if key not in {known.split("|")[0] for known in self.places}:
                (self._folder / f"{self._target}-{key}").write_bytes(data)
                self.places[f"{key}|{place}"] = 0
            self.places[next(known for known in self.places if known.split("|")[0] == key)] += 1
        if self.executions % 100 == 0:
            self.save()

    def save(self) -> None:
        found = {
            "executions": self.executions,
            "findings": {k.split("|")[1]: v for k, v in self.places.items()},
        }
        (self._folder / f"{self._target}.json").write_text(json.dumps(found, indent=2))


def fuzz(target: str, seconds: float, folder: Path) -> None:
    """Fuzz one target in this process; atheris ends it."""
    findings = Findings(folder, target)
    corpus = folder / f"corpus-{target.replace(':', '_')}"
    corpus.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        try:
            import atheris
        except ImportError:
            execute, seed = prepare(target, Path(scratch))
            _fuzz_by_tracing(execute, seed, seconds, findings)
            return
        with atheris.instrument_imports(include=["tui_ft.watch"]):
            execute, seed = prepare(target, Path(scratch))
            from tui_ft.watch import finding, formats  # noqa: F401 - all readers, instrumented
        (corpus / "seed").write_bytes(seed)
        import mutants

        def mutate(data: bytes, largest: int, number: int) -> bytes:
            """Damage what was found so far, or the first input: libFuzzer alone prefers short ones."""
            if number % 2:
                return bytes(atheris.Mutate(data, largest))
            return mutants.damaged(data if number % 4 else seed, random.Random(number))[:largest]

        options = [f"-max_total_time={int(seconds)}", f"-max_len={LONGEST_INPUT}", "-verbosity=0", "-timeout=20", "-len_control=0",
                   "-rss_limit_mb=1500", f"-artifact_prefix={folder}/{target.replace(':', '_')}-"]  # fmt: skip
        atheris.Setup(
            [sys.argv[0], *options, str(corpus)],
            lambda data: findings.run(execute, data),
            custom_mutator=mutate,
        )
        atheris.Fuzz()


def _fuzz_by_tracing(execute: Execute, seed: bytes, seconds: float, findings: Findings) -> None:
    """Keep the inputs that reach lines which none has reached; damage one of them, again and again."""
    import mutants

    seen: set[tuple[str, int]] = set()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if "/tui_ft/watch/" not in frame.f_code.co_filename:
            return None
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    kept, chance, end = [seed], random.Random(7), time.monotonic() + seconds
    while time.monotonic() < end:
        data, known = mutants.damaged(chance.choice(kept), chance), len(seen)
        sys.settrace(trace)
        findings.run(execute, data)
        sys.settrace(None)
        if len(seen) > known:
            kept.append(data)
    findings.save()


def main() -> int:
    import small_runs

    targets = [*(run.name for run in small_runs.RUNS), "tensorboard:records", "wandb:records", "mlflow_database:rows",
               "trackio:rows", "finder", "report"]  # fmt: skip
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tui-ft-fuzz")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    if wanted.one:
        fuzz(wanted.targets[0], wanted.seconds, wanted.folder)
        return 0
    total = failures = 0
    for target in wanted.targets or targets:
        command = [
            sys.executable,
            __file__,
            target,
            "--one",
            "--seconds",
            str(wanted.seconds),
            "--folder",
            str(wanted.folder),
        ]
        subprocess.run(command, stderr=subprocess.DEVNULL, timeout=wanted.seconds + 120)
        known = json.loads((wanted.folder / f"{target.replace(':', '_')}.json").read_text())
        total += known["executions"]
        failures += len(known["findings"])
        print(
            f"{target:24} {known['executions']:>10,} executions  {len(known['findings'])} findings",
            flush=True,
        )
        for place, count in known["findings"].items():
            print(f"    {count:>6} × {place}", flush=True)
    print(f"{'all':24} {total:>10,} executions  {failures} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
