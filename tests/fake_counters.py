"""A GPU that is not there: the counters that the trainer reads, as a test on a CPU wants them."""

from __future__ import annotations

from tui_ft.train.memory import Facts, Reading

MIB = 1 << 20


class FakeCounters:
    """Every reading is a MiB above the last one, from `allocated` on; a quarter more is reserved.

    `context` is what lies beside the allocator, None where NVML does not tell.
    """

    def __init__(self, allocated: int = 1000 * MIB, context: int | None = 300 * MIB) -> None:
        self.allocated, self.context = allocated, context
        self.reads = self.resets = 0

    def read(self) -> Reading:
        self.reads += 1
        self.allocated += MIB
        reserved = self.allocated * 5 // 4
        return Reading(allocated_peak=self.allocated, reserved_peak=reserved, reserved=reserved)

    def reset(self) -> None:
        self.resets += 1

    def beside(self, reserved: int) -> int | None:
        return self.context

    def facts(self) -> Facts:
        return Facts(
            gpu="NVIDIA Fake",
            total_bytes=24 << 30,
            driver="570.1",
            versions={"torch": "2.13.0", "trl": "1.16"},
        )
