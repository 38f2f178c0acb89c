"""What a run stands on: GPUs by NVML, and the host's memory, disk and identity."""
