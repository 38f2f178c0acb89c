"""The real supervisor on a played box: takes the real one's arguments, and the box from the environment."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).absolute().parents[1]))

from health import played_box


def main() -> int:
    box = played_box.of_environment()
    if box is not None:
        box.install()
    from tui_ft.runs import supervisor

    return supervisor.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
