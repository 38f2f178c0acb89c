"""What stands against a start: why it cannot be, and what is asked once more before it is."""

from __future__ import annotations

from tui_ft.tui.starting import StartFacts
from tui_ft.tui.text import gib
from tui_ft.tui.wizard.review_facts import Review


def refusals(review: Review, start: StartFacts | None) -> tuple[str, ...]:
    """Everything that keeps it from starting; `start` is what only the network can tell."""
    is_fatal = start is not None and start.download.is_fatal
    return (*review.refusals, *((start.download.problem,) if start is not None and is_fatal else ()))


def refusal(review: Review, start: StartFacts | None) -> str:
    """Why it cannot start at all; "" when it can."""
    return next(iter(refusals(review, start)), "")


def questions(review: Review, start: StartFacts | None, *, with_smoke: bool = False) -> list[str]:
    """What is asked once more before it starts, or its smoke run does, beside a lack of memory."""
    found = []
    if review.smoked.state == "going" and not with_smoke:
        found.append("Its smoke run is still going, and takes memory and time from it (t follows it).")
    if start is not None and start.held:
        found.append(f"Somebody holds the GPU: {start.held}.")
    if review.disk.is_short:
        found.append(
            f"The disk may fill up: {gib(review.disk.need_bytes)} GiB at the most, "
            f"{gib(review.disk.free_bytes)} are free."
        )
    return found


def lack(review: Review) -> str:
    """What is missing where it does not fit; "" where it does, or that is not known."""
    assessment = review.outlook.assessment
    if assessment is None or assessment.verdict != "does_not_fit":
        return ""
    needed, free = gib(assessment.estimate.needed_bytes), gib(assessment.free_bytes)
    return f"It does not fit: {needed} GiB are needed, {free} are free."


def trust_question(review: Review) -> str:
    """What trust_remote_code means, in plain words; "" where nobody asks for it."""
    if not review.spec.model.trust_remote_code:
        return ""
    return (
        f"{review.spec.model.id} brings Python code of its own, and trust_remote_code lets it run here as "
        "you: it can read, change and send away every file and token that you can. "
        "Have you read it, and do you want it to run?"
    )
