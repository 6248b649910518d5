"""The widget room of napari-segnext."""
