"""Will it fit: model shapes, the estimate of GPU memory, the verdict against free memory, and what to change."""
