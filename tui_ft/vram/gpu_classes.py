"""GPUs that can be rented, the cheap ones first: what to look for when the one at hand is too small."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1 << 20

AS_OF = "2026-05"
"""When the order by price was drawn up: hourly rents of March to May 2026 (facts: domain, i), where one is
known; the others stand by memory and age. Prices move, so only the order is used and no price is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuClass:
    """One kind of GPU. `total_bytes` as the driver reports it, less than the number in its name suggests."""

    name: str
    total_bytes: int
    capability: tuple[int, int]

    @property
    def free_bytes(self) -> int:
        """What is free of an idle one."""
        return self.total_bytes - DRIVER_BYTES


DRIVER_BYTES = 720 * _MIB
"""Memory that the driver keeps for itself on an idle GPU: 0.4 to 0.7 GiB, the most on a B200."""


def _row(name: str, total_mib: int, capability: tuple[int, int]) -> GpuClass:
    return GpuClass(name=name, total_bytes=total_mib * _MIB, capability=capability)


CLASSES: tuple[GpuClass, ...] = (
    _row("T4 16 GB", 15360, (7, 5)),
    _row("RTX 3090 24 GB", 24576, (8, 6)),
    _row("RTX 4090 24 GB", 24564, (8, 9)),
    _row("L4 24 GB", 23034, (8, 9)),
    _row("RTX 5090 32 GB", 32607, (12, 0)),
    _row("A6000 48 GB", 49140, (8, 6)),
    _row("L40S 48 GB", 46068, (8, 9)),
    _row("A100 40 GB", 40960, (8, 0)),
    _row("A100 80 GB", 81920, (8, 0)),
    _row("RTX PRO 6000 96 GB", 97887, (12, 0)),
    _row("H100 80 GB", 81559, (9, 0)),
    _row("H200 141 GB", 143771, (9, 0)),
    _row("B200 180 GB", 183359, (10, 0)),
)
"""Memory is the total that nvidia-smi prints, in MiB, as seen in outputs that people published."""
