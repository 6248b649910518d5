"""What every test shares."""

from __future__ import annotations

import os

# before torch is imported by anything: tests share the machine with one another
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
