"""Will it fit: model shapes, the estimate of GPU memory, the verdict, and what to change."""
