"""The core room of napari-segnext."""
