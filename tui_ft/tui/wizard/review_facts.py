"""Everything that the Review page says of a draft, gathered off the event loop."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_ft import settings
from tui_ft.atomic import keep
from tui_ft.data.findings import Findings
from tui_ft.data.gate import content_key
from tui_ft.errors import TuiFtError
from tui_ft.guide.compare import sizes_on_disk
from tui_ft.guide.question import Recommendation
from tui_ft.guide.recommend import recommend
from tui_ft.guide.volume import key_of
from tui_ft.hardware import host
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs.directory import slug
from tui_ft.runs.readiness import fitting
from tui_ft.spec.display import run_name
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import require_runnable
from tui_ft.spec.toml_edit import rewrite
from tui_ft.tui import method_facts
from tui_ft.tui.gpu_seats import own_seat
from tui_ft.tui.wizard import method_advice
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.live import Outlook
from tui_ft.tui.wizard.smoke import Smoked, smoked
from tui_ft.user_paths import user_path
from tui_ft.vram.assess import assess
from tui_ft.vram.situation import StepDown

LARGEST_CODE_FILES = 6


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Bytes on the disk of the runs root. `need_bytes` is the most at any moment; None is not known."""

    checkpoint_bytes: int | None = None
    result_bytes: int | None = None
    copies: int = 0
    free_bytes: int | None = None

    @property
    def need_bytes(self) -> int | None:
        if self.checkpoint_bytes is None or self.result_bytes is None:
            return None
        return self.copies * self.checkpoint_bytes + self.result_bytes

    @property
    def is_short(self) -> bool:
        need = self.need_bytes
        return need is not None and self.free_bytes is not None and need > self.free_bytes


@dataclass(frozen=True, kw_only=True)
class Review:
    """What is known of a draft. `refusals` keep it from starting; `spec` has absolute paths.

    `file` is where the spec was written, "" with `file_problem` where it could not be; `command` does the
    same as Enter. `advice` is None where the guide has no answer. `code` are the Python files that come with
    a model that wants to run its own. `stale` are data sets that are not any more what was checked.
    """

    spec: RunSpec
    outlook: Outlook
    advice: Recommendation | None
    disk: Disk
    smoked: Smoked
    refusals: tuple[str, ...]
    runs_root: Path
    file: str
    file_problem: str
    command: str
    code: tuple[str, ...] = ()
    stale: frozenset[str] = frozenset()


def gather(
    draft: Draft,
    look: Callable[[RunSpec], Outlook],
    check: Callable[[RunSpec], None],
    reading: GpuReading,
    runs_root: Path,
) -> Review:
    """Collect all that needs no network. It blocks; what cannot be told is left open, nothing is raised.

    `check` is the preflight of a start: it raises `TuiFtError` for what would surely end the run.
    """
    spec = absolute_paths(draft.spec, Path.cwd())
    outlook = look(spec)
    file, problem = _written(draft, spec)
    return Review(
        spec=spec,
        outlook=outlook,
        advice=_advice(draft, outlook, reading),
        disk=_disk(spec, outlook, runs_root),
        smoked=smoked(runs_root, draft.smoked, spec),
        refusals=tuple(_refusals(spec, draft.findings, check)),
        runs_root=runs_root,
        file=file,
        file_problem=problem,
        command=command(file, runs_root),
        code=_code_of(spec),
        stale=frozenset(_stale(draft.findings)),
    )


def _refusals(spec: RunSpec, findings: Mapping[str, Findings], check: Callable[[RunSpec], None]) -> list[str]:
    found = []
    for one in (require_runnable, check):
        try:
            one(spec)
        except TuiFtError as error:
            found.append(str(error))
        except OSError as error:
            found.append(f"{error.filename}: {error.strerror}.")
    if found:
        return found
    return [f"{path}: {known.refusal}" for path in data_paths(spec)
            if (known := findings.get(path)) is not None and known.refusal]  # fmt: skip


def data_paths(spec: RunSpec) -> list[str]:
    """The data sets of `spec` by the names under which their findings are kept."""
    train, held_out = spec.data.train, spec.data.eval
    names = [train] if isinstance(train, str) else [source.path for source in train or []]
    return [key_of(name) for name in (*names, *([held_out] if held_out else []))]


def _stale(findings: Mapping[str, Findings]) -> Iterator[str]:
    for path, known in findings.items():
        try:
            if known.content and content_key(Path(path)) != known.content:
                yield path
        except OSError:
            yield path


def step_downs(review: Review, reading: GpuReading) -> tuple[StepDown, ...]:
    """What would make it fit, where it does not; it takes a while and is asked at the start only."""
    outlook = review.outlook
    if outlook.assessment is None or outlook.shape is None or outlook.assessment.verdict != "does_not_fit":
        return ()
    return fitting(assess(outlook.spec, outlook.shape, reading, longest_row=outlook.volume.longest_row))


def _advice(draft: Draft, outlook: Outlook, reading: GpuReading) -> Recommendation | None:
    if outlook.shape is None:
        return None
    start = method_advice.untouched(draft, draft.spec)
    seat = own_seat(draft.spec, reading)
    try:
        question = method_facts.question_of(start, outlook.shape, seat, reading, method_advice.wish_of(draft))
        return recommend(question)
    except TuiFtError:
        return None


def _disk(spec: RunSpec, outlook: Outlook, runs_root: Path) -> Disk:
    free = host.disk(runs_root).free_bytes
    if outlook.shape is None:
        return Disk(free_bytes=free)
    try:
        checkpoint, result = sizes_on_disk(outlook.shape, spec, outlook.volume.longest_row)
    except TuiFtError:
        return Disk(free_bytes=free)
    # one more while it is written, and the best of all where there are held-out rows to tell it by
    best = 1 if spec.data.eval or spec.data.eval_fraction else 0
    copies = spec.checkpoints.keep + best + 1
    return Disk(checkpoint_bytes=checkpoint, result_bytes=result, copies=copies, free_bytes=free)


def spec_file(spec: RunSpec) -> Path:
    """Where the spec of a review is written, beside the draft."""
    return settings.draft_file().parent / "specs" / f"{slug(run_name(spec))}.toml"


def _written(draft: Draft, spec: RunSpec) -> tuple[str, str]:
    """Write the spec where the command says; the path, and a sentence where that could not be."""
    path = spec_file(spec)
    try:
        data = rewrite(draft.text, spec).encode()
        if not path.is_file() or path.read_bytes() != data:
            keep(path, data)
    except (TuiFtError, OSError) as error:
        return "", str(error)
    return str(path), ""


def command(file: str, runs_root: Path) -> str:
    """What does the same in a shell; "" without a file."""
    if not file:
        return ""
    words = ["tui-ft", "start", file]
    try:
        usual = settings.runs_root()
    except TuiFtError:
        usual = None
    if usual is None or runs_root.absolute() != usual:
        words += ["--runs-root", str(runs_root.absolute())]
    return " ".join(_short(word) for word in words)


def _short(word: str) -> str:
    """A word for the shell, with ~ for the home folder."""
    home = str(Path.home())
    if word.startswith(f"{home}/"):
        return "~" + shlex.quote(word[len(home) :])
    return shlex.quote(word)


def _code_of(spec: RunSpec) -> tuple[str, ...]:
    """The Python files of a local model that asks for trust; their first names only."""
    if not spec.model.trust_remote_code or not spec.model.id:
        return ()
    folder = user_path(spec.model.id)
    try:
        names = sorted(path.name for path in folder.glob("*.py")) if folder.is_dir() else []
    except OSError:
        return ()
    more = [f"and {len(names) - LARGEST_CODE_FILES} more"] if len(names) > LARGEST_CODE_FILES else []
    return (*names[:LARGEST_CODE_FILES], *more)
