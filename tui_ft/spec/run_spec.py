"""The RunSpec, the one description of a run, made of its sections.

The structs are frozen and know no default that depends on another field: such a field is `None`, and
`tui_ft.spec.resolve` says what that means. TOML comments, `--set`, forms and error messages are made
from the declarations of the fields (`tui_ft.spec.declarations`).
"""

from __future__ import annotations

from tui_ft.spec.declare import Section
from tui_ft.spec.learning import (
    DataFormat,
    DataSection,
    DataSource,
    MethodKind,
    MethodSection,
    ModelSection,
    ObjectiveKind,
    ObjectiveSection,
    Quantization,
    Variant,
)
from tui_ft.spec.running import (
    AfterSection,
    CheckpointsSection,
    EvaluationSection,
    HardwareSection,
    HealthSection,
    NotesSection,
    Optimizer,
    Schedule,
    Tracker,
    TrackingSection,
    TrainingSection,
)

__all__ = [
    "SCHEMA",
    "AfterSection",
    "CheckpointsSection",
    "DataFormat",
    "DataSection",
    "DataSource",
    "EvaluationSection",
    "HardwareSection",
    "HealthSection",
    "MethodKind",
    "MethodSection",
    "ModelSection",
    "NotesSection",
    "ObjectiveKind",
    "ObjectiveSection",
    "Optimizer",
    "Quantization",
    "RunSpec",
    "Schedule",
    "Tracker",
    "TrackingSection",
    "TrainingSection",
    "Variant",
]

SCHEMA = 1
"""Version of the spec format: `schema` at the top of every spec file."""


class RunSpec(Section, kw_only=True, frozen=True):
    """The one description of a run; a preset is one, and every run directory holds its own."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    method: MethodSection = MethodSection()
    objective: ObjectiveSection = ObjectiveSection()
    training: TrainingSection = TrainingSection()
    evaluation: EvaluationSection = EvaluationSection()
    checkpoints: CheckpointsSection = CheckpointsSection()
    hardware: HardwareSection = HardwareSection()
    tracking: TrackingSection = TrackingSection()
    health: HealthSection = HealthSection()
    after: AfterSection = AfterSection()
    notes: NotesSection = NotesSection()
