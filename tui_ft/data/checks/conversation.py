"""Who speaks when: turns that do not alternate, instructions in the middle, conversations without an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from tui_ft.data.faults import Faults


class Conversations:
    """The order of roles in the chats of a data set, and how many turns they have."""

    def __init__(self) -> None:
        self._turns: Counter[int] = Counter()
        self._with_system = 0
        self._with_tools = 0

    def add(self, number: int, roles: Sequence[str], faults: Faults) -> None:
        """Look at one chat, by the roles of its messages in our words."""
        said = [role for role in roles if role != "system"]
        self._turns[min(len(said), 10_000)] += 1
        self._with_system += "system" in roles
        has_tools = "tool" in said
        self._with_tools += has_tools
        if not said:
            return
        if self._with_system and "system" in _behind_the_first(roles):
            faults.add("late_system", number)
        for before, after in pairwise(said):
            if before == after and (before == "user" or (before == "assistant" and not has_tools)):
                faults.add("broken_alternation", number, f"two messages of the {before} in a row")
                break
        if said[0] == "assistant" and "user" in said:
            faults.add("leading_answer", number)
        if said[-1] == "user" and "assistant" in said:
            faults.add("trailing_question", number)

    def turns(self) -> dict[str, float] | None:
        """Return the numbers of turns (messages but for the system's); None without chats."""
        rows = sum(self._turns.values())
        if not rows:
            return None
        messages = sum(turns * count for turns, count in self._turns.items())
        return {
            "mean": round(messages / rows, 2),
            "max": max(self._turns),
            "with_system": self._with_system,
            "with_tools": self._with_tools,
        }


def _behind_the_first(roles: Sequence[str]) -> Sequence[str]:
    """The roles from the first that is not the system's on."""
    first = next((i for i, role in enumerate(roles) if role != "system"), len(roles))
    return roles[first:]
