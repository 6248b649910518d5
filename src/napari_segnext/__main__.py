"""``python -m napari_segnext`` is the command ``napari-segnext``."""

import sys

from napari_segnext.cli import main

if __name__ == "__main__":
    sys.exit(main())
