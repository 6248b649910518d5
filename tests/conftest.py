"""What every test shares."""

from __future__ import annotations

import os

import pytest

# before torch is imported by anything: tests share the machine with one another
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def _no_files_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["NAPARI_SEGNEXT_JOURNALS"] = str(tmp_path_factory.mktemp("journals"))
    os.environ["NAPARI_SEGNEXT_CACHE"] = ""  # tests of the cache name a folder
