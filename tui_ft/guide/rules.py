"""The table of all rules, in the order in which they are asked."""

from __future__ import annotations

from tui_ft.guide.gate import GATE
from tui_ft.guide.rule import Rule
from tui_ft.guide.rules_goal import OBJECTIVE_RULES, SETTINGS_RULES
from tui_ft.guide.rules_memory import METHOD_RULES

RULES: tuple[Rule, ...] = GATE + OBJECTIVE_RULES + SETTINGS_RULES + METHOD_RULES
"""What looks at the wish stands before what looks at the memory. R1 to R14 are the numbered rules, G the
gate's, C corrections of what guides say. One number may have several rows: R1 for pairs and for single
marks, R4 for much data and for raw text."""
