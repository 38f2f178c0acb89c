"""What the terminal can show: whether more than ASCII, and how to say things in ASCII when not."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import get_character_cell_size

_PLAIN_TERMINALS = ("linux", "vt100", "vt220", "dumb")

_ASCII = str.maketrans(
    {
        **dict.fromkeys("─╌┄┈╴╶▔▁", "-"),
        **dict.fromkeys("━═╍┅┉╸╺╼╾", "="),
        **dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻╽╿▏▎▍▌▐▕", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╭╮╰╯", "+"),
        **dict.fromkeys("█▉▊▋▇▆▅▓", "#"),
        **dict.fromkeys("░▒", ":"),
        **dict.fromkeys("▚▞", "%"),
        **dict.fromkeys("▄▃▂", "."),
        **dict.fromkeys("▀", "'"),
        **dict.fromkeys("●◆■▪•", "o"),
        **dict.fromkeys("○◇□◌·∙⋅", "."),
        **dict.fromkeys("×✗✘✕", "x"),
        **dict.fromkeys("✓✔", "v"),
        **dict.fromkeys("▲△↑⭡", "^"),
        **dict.fromkeys("▼▽↓⭣▾", "v"),
        **dict.fromkeys("▶▸►→❯›⭢", ">"),
        **dict.fromkeys("◀◂◄←❮‹", "<"),
        **dict.fromkeys("–—−‐‑", "-"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("…", "."),
        **dict.fromkeys("≈~", "~"),
        **dict.fromkeys("≠", "#"),
        **dict.fromkeys("⚠", "!"),
        **dict.fromkeys("★☆", "*"),
        **dict.fromkeys("↻⟳", "@"),
        **dict.fromkeys("≤", "<"),
        **dict.fromkeys("≥", ">"),
        **dict.fromkeys("⏎", "$"),
        **dict.fromkeys("⇥", ">"),
        **dict.fromkeys("✂", "%"),
    }
)

_UPPER_DOTS = 0b00011011
_LOWER_DOTS = 0b11100100


def is_ascii_only(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Say whether to keep to ASCII: TUI_FT_ASCII decides, else encoding, locale and kind of terminal.

    A box on which no locale is set at all is taken for UTF-8, as nearly every terminal is.
    """
    wish = environ.get("TUI_FT_ASCII", "")
    if wish:
        return wish != "0"
    if encoding and encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "utf8sig"):
        return True
    if environ.get("TERM", "") in _PLAIN_TERMINALS:
        return True
    locale = next((environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(key)), "")
    return bool(locale) and "utf" not in locale.lower()


def to_ascii(text: str) -> str:
    """Return `text` in ASCII, column for column the same width."""
    return text if text.isascii() else _to_ascii(text)


@lru_cache(4096)
def _to_ascii(text: str) -> str:
    translated = text.translate(_ASCII)
    if translated.isascii():
        return translated
    return "".join(character if character.isascii() else _plain(character) for character in translated)


def _plain(character: str) -> str:
    code = ord(character)
    if 0x2800 <= code <= 0x28FF:  # braille: which half of the cell has dots
        upper, lower = code & _UPPER_DOTS, code & _LOWER_DOTS
        return ":" if upper and lower else "'" if upper else "." if lower else " "
    width = get_character_cell_size(character)
    base = unicodedata.normalize("NFKD", character)[:1]
    return (base if base.isascii() and base else "?").ljust(width, "?")[:width]
