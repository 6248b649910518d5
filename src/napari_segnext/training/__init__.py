"""The training room of napari-segnext."""
