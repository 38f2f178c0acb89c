"""What must not be shown of a command line: the values of keys, tokens and passwords."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
_SECRET_WORDS = frozenset(
    {
        "key",
        "apikey",
        "token",
        "secret",
        "password",
        "passwd",
        "pwd",
        "pass",
        "credential",
        "credentials",
        "auth",
    }
)
_HARMLESS = frozenset(
    {"eos", "bos", "pad", "unk", "sep", "cls", "mask", "special", "image", "stop", "start", "end"}
)
"""`--eos_token` and its like name a token of the vocabulary."""
_SECRET_VALUES = re.compile(
    r"hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|glpat-[\w-]{16,}|r8_[A-Za-z0-9]{16,}|(?<![\w/.-])[0-9a-f]{40}(?![\w/.-])"
)
"""Keys by their published prefixes; 40 hexadecimal digits standing alone are W&B's."""
_ADDRESS_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SAID = re.compile(
    r"(?i)([?&][\w.-]*(?:token|key|secret|password|signature|auth)=|\bbearer +|\bauthorization: *basic +"
    r"|(?<!\S)--[\w-]*(?:(?:hub|hf|access|auth|api)[-_]?(?:token|key)|secret|password)[ =])[^\s&\"']{6,}"
)
"""What addresses, headers and command lines in a text name as one."""
_HOOKS = re.compile(r"(https?://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks)/)\S+")


def mask_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with every secret value replaced: by the option's name, or by its own look."""
    shown: list[str] = []
    hides_next = False
    for argument in arguments:
        if hides_next and not argument.startswith("-"):
            shown.append(MASK)
            hides_next = False
            continue
        name, equals, value = argument.partition("=")
        is_name = bool(equals) or argument.startswith("-")
        is_secret = is_name and _is_secret_name(name)
        hides_next = is_secret and not equals
        shown.append(f"{name}={MASK}" if is_secret and value else mask_text(argument))
    return shown


def mask_text(text: str) -> str:
    """Return `text` without what looks like a key, a login in an address, or a webhook."""
    text = _SAID.sub(rf"\1{MASK}", _SECRET_VALUES.sub(MASK, text))
    return _HOOKS.sub(rf"\1{MASK}", _ADDRESS_LOGIN.sub(MASK, text))


def _is_secret_name(name: str) -> bool:
    words = [word for word in re.split(r"[-_.+]+", name.lower()) if word]
    if not words or words[-1] not in _SECRET_WORDS:
        return False
    return len(words) < 2 or words[-2] not in _HARMLESS
