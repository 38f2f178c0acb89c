"""Can models be fetched: is a token there, and does the session have what the container was given?"""

from __future__ import annotations

import re

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, note, ok, warning
from tui_ft.doctor.words import are, short
from tui_ft.user_paths import user_path

TOKEN_NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
GATED = (
    "meta-llama/", "google/gemma", "mistralai/", "coherelabs/", "cohereforai/", "bigcode/starcoder",
    "black-forest-labs/", "nvidia/llama-", "databricks/dbrx", "google/paligemma",
)  # fmt: skip
"""Beginnings of hub ids of which most have a licence to be accepted first (our own list, 2026-11)."""
_LOST = re.compile(
    r"(HF_|HUGGING|WANDB_|CUDA_|NVIDIA_|RUNPOD_|VAST_|LD_LIBRARY_PATH|OMP_|NCCL_|TUI_FT_|TRITON_|PIP_).*"
)
_NOT_LOST = re.compile(r"(NVIDIA_(VISIBLE|DRIVER|REQUIRE|PRODUCT|CUDA|LIB).*|CUDA_VERSION|RUNPOD_.*)")
"""What the container tool needs, not the programs in it."""


def hub_token(box: Box) -> list[Finding]:
    """A token is only ever looked for, never read into a message."""
    from tui_ft.doctor.wanted import wanted_models

    code = "hub_token"
    gated = [name for name in wanted_models() if name.lower().startswith(GATED)]
    where = _token_place(box)
    if where:
        return [ok(code, f"A Hugging Face token is there ({where}).")]
    asked = f"your presets name {short(gated[0])}, which is gated" if gated else ""
    hidden = next((name for name in TOKEN_NAMES if box.first_environment.get(name)), None)
    if hidden is not None:
        what = f"The container was started with {hidden}, but this session does not have it"
        level = warning if gated else note
        return [level(code, f"{what}{': ' + asked if asked else ''}.", command=_fetch(hidden))]
    if gated:
        return [
            warning(
                code,
                f"There is no Hugging Face token here, and {asked}.",
                command="hf auth login",
            )
        ]
    return [
        note(
            code,
            "There is no Hugging Face token here: gated models cannot be fetched.",
            command="hf auth login",
        )
    ]


def _token_place(box: Box) -> str:
    for name in TOKEN_NAMES:
        if box.environment.get(name, "").strip():
            return name
    path = _token_file(box)
    data = box.data(path)
    return short(path) if data is not None and data.strip() else ""


def _fetch(name: str) -> str:
    """Takes a variable over from the container's first process without showing it."""
    return f"export {name}=\"$(tr '\\0' '\\n' < /proc/1/environ | sed -n 's/^{name}=//p')\""


def _token_file(box: Box) -> str:
    """Where the Hub's library looks for it; `~` is a home folder there, too."""
    return str(user_path(box.environment.get("HF_TOKEN_PATH") or box.hub_home / "token"))


def token_is_private(box: Box) -> list[Finding]:
    """A token that every user of the box can read is everybody's."""
    path = _token_file(box)
    mode = box.mode(path)
    if mode is not None and mode & 0o077:
        what = f"The token file {short(path)} can be read by other users (mode {mode & 0o777:o})."
        return [warning("token_is_private", what, command=f"chmod 600 {_quoted(path)}")]
    return []


def _quoted(path: str) -> str:
    from shlex import quote

    return quote(path)


def session_environment(box: Box) -> list[Finding]:
    """An SSH session of a rented container lacks the variables that it was started with (facts: peers, 6)."""
    code = "session_environment"
    lost = sorted(
        name
        for name, value in box.first_environment.items()
        if value
        and _LOST.fullmatch(name)
        and not _NOT_LOST.fullmatch(name)
        and name not in TOKEN_NAMES
        and name not in box.environment
    )
    lost = [name for name in lost if name.replace("_", "").isalnum() and name.isascii()]
    if not lost:
        return []
    what = f"The container was started with {are(len(lost), 'variable')} that this session lacks: "
    return [note(code, what + ", ".join(short(name, 40) for name in lost[:6]) + ".", command=_fetch(lost[0]))]


def offline(box: Box) -> list[Finding]:
    """A switch that was set once and forgotten."""
    names = [name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if _is_on(box.environment.get(name))]
    if not names:
        return []
    from tui_ft.doctor.wanted import wanted_models

    missing = [
        name
        for name in wanted_models()
        if not box.exists(box.hub_cache / f"models--{name.replace('/', '--')}" / "snapshots")
    ]
    what = f"{names[0]} is set: nothing is fetched from the hub"
    if missing:
        return [
            warning(
                "offline",
                f"{what}, and {short(missing[0])} of your presets is not in the cache.",
                command=f"unset {' '.join(names)}",
            )
        ]
    return [note("offline", f"{what}.", command=f"unset {' '.join(names)}")]


def _is_on(value: str | None) -> bool:
    return (value or "").strip().upper() in {"1", "ON", "YES", "TRUE"}
