"""The Python that pages show, for tests; as a program it writes each piece to a file, for type checkers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "bindings/python/README.md", "bindings/python/docs/index.md", "docs/python.md")


def pieces(page: str) -> list[str]:
    """Those of a page, in its order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def write(directory: Path) -> None:
    """Each to a file of its own."""
    for page in PAGES:
        for number, piece in enumerate(pieces(page)):
            (directory / f"{re.sub('[^a-z]', '_', page.lower())}_{number}.py").write_text(piece)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
