"""The guided tour: one whole fine-tuning for a beginner, with the product's own parts."""
