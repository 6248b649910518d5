"""The evaluation room of napari-segnext."""
