"""The session room of napari-segnext."""
