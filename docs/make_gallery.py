"""Take the pictures of docs/gallery, and write its page.

The sequences of `tests/widget/test_sequences.py` are played with the embedded model.
Run with a display, or without one::

    xvfb-run -a -s "-screen 0 1920x1200x24" python docs/make_gallery.py

With ``--page`` only the page is written, from the pictures that are there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "widget"
OUT = ROOT / "docs" / "gallery"
CHAPTERS = {
    "Prompts": ("sequence_table", "PROMPTS"),
    "Objects": ("sequence_objects", "OBJECTS"),
    "Volumes": ("sequence_volumes", "VOLUMES"),
    "Layers, window, view": ("sequence_window", "WINDOW"),
}


def write_page() -> None:
    """List every sequence that has a picture."""
    sys.path.insert(0, str(TESTS))
    lines = [
        "# What can be done with it, in pictures",
        "",
        "Every picture is the end of a sequence that is played by real mouse and keys",
        "in a real window with the embedded model: `python docs/make_gallery.py`. They",
        "are tests, too (`tests/widget/test_sequences.py`).",
    ]
    for chapter, (module, name) in CHAPTERS.items():
        lines += [
            "",
            f"## {chapter}",
            "",
            "| what is done | what is seen |",
            "|---|---|",
        ]
        for sequence in getattr(__import__(module), name):
            picture = OUT / f"{sequence.name}.jpg"
            if picture.exists():
                steps = "; ".join(step.text for step in sequence.steps)
                lines.append(
                    f"| {sequence.title} *{steps}.* "
                    f"| ![{sequence.name}]({picture.name}) |"
                )
    (OUT / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Play, and write the page; 1 if a sequence did not end as it must."""
    OUT.mkdir(exist_ok=True)
    done = 0
    if "--page" not in sys.argv[1:]:
        command = [sys.executable, "-m", "pytest", "-q", TESTS / "test_sequences.py"]
        environment = {**os.environ, "SEGNEXT_GALLERY": str(OUT)}
        done = subprocess.run(  # noqa: S603 - our own tests
            command, env=environment, cwd=ROOT, check=False
        ).returncode
    write_page()
    return int(done != 0)


if __name__ == "__main__":
    sys.exit(main())
