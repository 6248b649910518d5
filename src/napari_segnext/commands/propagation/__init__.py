"""Parts of `napari-segnext propagate`: stacks, keys, labels, and the run's journal."""
