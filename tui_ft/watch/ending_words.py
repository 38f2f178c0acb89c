"""The sentences of a post-mortem: the line that says how a run ended, and the evidence behind it."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator

from tui_ft.hardware import host
from tui_ft.health.finding import Evidence
from tui_ft.health.oom import parse_cuda_oom, parse_host_oom
from tui_ft.runs.records import ExitRecord, HardwareRow, StateRecord
from tui_ft.watch.endings import GUARD, Ending, stopped_by
from tui_ft.watch.eta import clock_label, duration_label
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.tracebacks import last_exception

_GIB = 2**30
_NEARLY_FULL = 0.9
_LONGEST = 240
_CAUSED_BY = re.compile(r"^The (?:GPU|machine) ran out of memory: ")

_RUINS = frozenset({"divergence", "nonfinite"})
"""Findings that make a result worthless, though the last step was reached."""

_SIGNALS = {
    signal.SIGKILL: "kill -9, by a person, by what runs the container, or by a memory limit not counted here",
    signal.SIGTERM: "asked to end, by somebody other than tui-ft",
    signal.SIGHUP: "its terminal or session was closed",
    signal.SIGINT: "Ctrl-C from outside",
    signal.SIGXCPU: "a limit of CPU time",
    signal.SIGXFSZ: "a limit of file size",
}


def headline_of(ending: Ending, reading: Reading, state: StateRecord | None) -> str:
    """Say in one line how it ended, and at which step."""
    text = " ".join(clean_line(_HEADLINES[ending](reading, state)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def at_step(reading: Reading) -> str:
    """` at step 120 of 200`; "" where no step is known."""
    if reading.step is None:
        return ""
    total = f" of {reading.total_steps:,}" if reading.total_steps else ""
    return f" at step {reading.step:,}{total}"


def _finished(reading: Reading, _: StateRecord | None) -> str:
    took = ""
    if reading.ended_at is not None and reading.started_at is not None:
        took = f" after {duration_label(reading.ended_at - reading.started_at)}"
    ruin = next((one for one in reading.findings if one.level == "error" and one.code in _RUINS), None)
    return f"Finished{at_step(reading)}{took}" + (f", but: {ruin.message}" if ruin is not None else ".")


def _stopped(reading: Reading, state: StateRecord | None) -> str:
    by = stopped_by(state)
    who = f" by {by}" if by else ""
    return f"Stopped{who}{at_step(reading)}."


def _guarded(reading: Reading, state: StateRecord | None) -> str:
    code = stopped_by(state).removeprefix(GUARD)
    why = next((finding.message for finding in reading.findings if finding.code == code), "")
    why = why or next((one.message for one in reversed(reading.attempt_warnings) if one.code == code), "")
    return f"Stopped by the guard ({code}){at_step(reading)}" + (f": {why}" if why else ".")


def _preempted(reading: Reading, _: StateRecord | None) -> str:
    return (
        f"It was told to end (SIGTERM){at_step(reading)}, by the machine, which goes away, or by somebody "
        "beside tui-ft."
    )


def _cuda(reading: Reading, _: StateRecord | None) -> str:
    return f"The GPU ran out of memory while training{at_step(reading)}."


def _eval(reading: Reading, _: StateRecord | None) -> str:
    return f"The GPU ran out of memory while evaluating{at_step(reading)}; the training itself fits."


def _kernel(reading: Reading, _: StateRecord | None) -> str:
    return f"The kernel killed the trainer for memory{at_step(reading)}: RAM, not the GPU's memory."


def _host(reading: Reading, _: StateRecord | None) -> str:
    return f"The box ran out of memory (RAM, not the GPU's){at_step(reading)}."


def _disk(reading: Reading, _: StateRecord | None) -> str:
    return f"The disk was full{at_step(reading)}."


def _exception(reading: Reading, _: StateRecord | None) -> str:
    return f"The trainer failed{at_step(reading)}: {_complaint(reading) or 'it says no cause.'}"


def _crash(reading: Reading, _: StateRecord | None) -> str:
    return f"The trainer crashed with {_signal_of(reading)}{at_step(reading)}."


def _exit_code(reading: Reading, _: StateRecord | None) -> str:
    code = reading.exit.code if reading.exit is not None else None
    return f"The trainer ended{at_step(reading)} with exit code {code}, and said no word about it."


def _signalled(reading: Reading, _: StateRecord | None) -> str:
    return f"The trainer was killed by {_signal_of(reading)}{at_step(reading)}, and not by tui-ft."


def _unwitnessed(reading: Reading, _: StateRecord | None) -> str:
    return f"The trainer ended{at_step(reading)} without a last word while its supervisor was gone, too."


def _unsaid(reading: Reading, _: StateRecord | None) -> str:
    return f"The trainer ended{at_step(reading)} with exit code 0, but never said that it had finished."


def _reboot(reading: Reading, _: StateRecord | None) -> str:
    return f"The machine or its container was started again while the run went on{at_step(reading)}."


def _lost(reading: Reading, _: StateRecord | None) -> str:
    return f"Trainer and supervisor are gone{at_step(reading)}, without a word from either."


def _cut_off(reading: Reading, _: StateRecord | None) -> str:
    return "Its start was cut off before there was a supervisor: nothing was trained."


def _elsewhere(reading: Reading, state: StateRecord | None) -> str:
    where = f" on {state.host}" if state is not None and state.host else ""
    return f"Last seen{where}{at_step(reading)}; whether it still runs there cannot be told from here."


_HEADLINES: dict[Ending, Callable[[Reading, StateRecord | None], str]] = {
    "finished": _finished, "stopped": _stopped, "budget": _stopped, "guard": _guarded,
    "preempted": _preempted, "cuda_oom": _cuda, "eval_oom": _eval, "kernel_oom": _kernel, "host_oom": _host,
    "disk": _disk, "exception": _exception, "crash": _crash, "exit_code": _exit_code, "signal": _signalled,
    "unwitnessed": _unwitnessed, "unsaid": _unsaid, "reboot": _reboot, "lost": _lost, "cut_off": _cut_off,
    "elsewhere": _elsewhere,
}  # fmt: skip


def _complaint(reading: Reading) -> str:
    for text in (reading.exit.message if reading.exit else "", reading.end.message if reading.end else ""):
        if text:
            return text
    raised = last_exception(reading.attempt_log)
    return raised.line if raised is not None else reading.reason


def _signal_of(reading: Reading) -> str:
    number = reading.exit.signal if reading.exit is not None else None
    try:
        return signal.Signals(number).name if number is not None else "a signal"
    except ValueError:  # a real-time signal
        return f"signal {number}"


# --- the evidence ------------------------------------------------------------------------------------


def evidence_of(
    ending: Ending, reading: Reading, state: StateRecord | None, now: float
) -> Iterator[tuple[str, str]]:
    """What the headline rests on, the most telling first."""
    for name, text in _facts(ending, reading, state, now):
        if text:
            yield name, " ".join(clean_line(text).split())


def _facts(
    ending: Ending, reading: Reading, state: StateRecord | None, now: float
) -> Iterator[tuple[str, str]]:
    if ending in ("cuda_oom", "eval_oom"):
        yield "GPU memory", _oom_text(reading)
    if ending == "host_oom":
        yield "asked", _asked_text(reading)
    yield from _process_end(reading, state)
    if ending in ("exception", "cuda_oom", "eval_oom", "host_oom", "disk", "exit_code"):
        yield from _raised(ending, reading)
    if ending in ("kernel_oom", "host_oom", "signal", "lost", "unwitnessed") and reading.hardware is not None:
        yield "memory", _host_memory(reading.hardware, now)
    if ending == "disk" and reading.hardware is not None:
        yield "disk", _disk_text(reading.hardware)
    if ending in ("reboot", "lost", "elsewhere", "unwitnessed", "cut_off") and state is not None:
        yield from _processes(ending, state)
    if reading.ended_at is not None:
        yield "ended", clock_label(reading.ended_at, now)
    elif reading.updated_at is not None:
        yield (
            "last word",
            f"{clock_label(reading.updated_at, now)}, {duration_label(now - reading.updated_at)} ago",
        )


def _process_end(reading: Reading, state: StateRecord | None) -> Iterator[tuple[str, str]]:
    record = reading.exit
    if record is None:
        return
    if record.signal is not None:
        why = _sent_by_us(record, state)
        if why is None and record.signal in set(signal.Signals):
            why = _SIGNALS.get(signal.Signals(record.signal))
        yield "signal", _signal_of(reading) + (f": {why}" if why else "")
    elif record.code:  # 0 is no news
        yield "exit code", str(record.code)


def _sent_by_us(record: ExitRecord, state: StateRecord | None) -> str | None:
    """What the supervisor itself sent, and for whom, or passed on; None where it did not."""
    by = stopped_by(state)
    if record.cause == "stopped" and by and record.signal == signal.SIGKILL:
        return f"kill -9 by tui-ft: {by} asked for a stop at once"
    if record.cause == "stopped" and by:
        return f"sent by tui-ft: {by} asked for the stop"
    if record.cause == "preempted" and record.signal == signal.SIGTERM:
        return "passed on by tui-ft, whose supervisor was sent it; who sends a signal is not written down"
    return None


def _raised(ending: Ending, reading: Reading) -> Iterator[tuple[str, str]]:
    raised = last_exception(reading.attempt_log)
    if raised is not None:
        if ending != "exception" or (reading.exit is not None and raised.line not in reading.exit.message):
            yield "raised", raised.line[:_LONGEST]
        yield "where", raised.where
    elif reading.exit is not None and ending != "exception":
        yield "said", _CAUSED_BY.sub("", reading.exit.message)[:_LONGEST]


def _oom_text(reading: Reading) -> str:
    found = _oom_evidence(reading)
    parts = []
    for name, words in (
        ("asked_gib", "asked for {} GiB"), ("free_gib", "{} GiB free"), ("total_gib", "of {} GiB"),
        ("allocated_gib", "{} GiB held by tensors"), ("unallocated_gib", "{} GiB reserved but unused"),
    ):  # fmt: skip
        value = found.get(name)
        if isinstance(value, (int, float)):
            parts.append(words.format(f"{value:.2f}"))
    text = ", ".join(parts).replace(" GiB free, of", " GiB free of")
    if found.get("is_fragmented") is True:
        text += "; there was room, but in pieces"
    others = found.get("others")
    if isinstance(others, list) and others:
        text += "; beside it: " + ", ".join(str(one) for one in others)
    return text


def oom_evidence(reading: Reading) -> Evidence:
    """What is known of an out-of-memory of this run: from its warning, else from what was printed."""
    return _oom_evidence(reading)


def _oom_evidence(reading: Reading) -> Evidence:
    for warning in reversed(reading.attempt_warnings):
        if warning.code in ("cuda_oom", "eval_oom") and warning.evidence:
            return warning.evidence
    texts = [reading.end.message if reading.end else "", reading.exit.message if reading.exit else ""]
    return parse_cuda_oom("\n".join([*reading.attempt_log[-100:], *texts])) or {}


def _asked_text(reading: Reading) -> str:
    texts = [reading.exit.message if reading.exit else ""]
    asked = (parse_host_oom("\n".join([*reading.attempt_log[-100:], *texts])) or {}).get("asked_gib")
    return f"{asked:.2f} GiB at once" if isinstance(asked, float) else ""


def _host_memory(row: HardwareRow, now: float) -> str:
    used, limit = row.memory_used_bytes, row.memory_limit_bytes
    if used is None or not limit:
        return ""
    text = f"{used / _GIB:.1f} of {limit / _GIB:.1f} GiB in use at {clock_label(row.time, now)}"
    if row.trainer_rss_bytes:
        text += f", {row.trainer_rss_bytes / _GIB:.1f} by the trainer"
    return text + ("; that is nearly all" if used >= _NEARLY_FULL * limit else "")


def _disk_text(row: HardwareRow) -> str:
    parts = []
    if row.disk_free_bytes is not None:
        parts.append(f"{row.disk_free_bytes / _GIB:.2f} GiB free")
    if row.inodes_free is not None:
        parts.append(f"{row.inodes_free:,} inodes free")
    return ", ".join(parts)


def _processes(ending: Ending, state: StateRecord) -> Iterator[tuple[str, str]]:
    pids = ", ".join(f"{process.role} {process.pid}" for process in state.processes[:8])
    if ending == "reboot":
        is_other = state.boot_id != host.here().boot_id
        yield (
            "boot",
            f"{state.host} has another boot id than when the run was started"
            if is_other
            else (f"the run was started in a container of {state.host} that is gone"),
        )
    elif ending == "elsewhere":
        yield "machine", state.host
    elif pids:
        yield "processes", f"{pids}: none of them lives"
    if ending == "lost":
        yield "means", "both were killed at once: the container was stopped, or its whole session killed"
