"""`python -m tui_ft.train.simulate.extract FAMILY … --folder DIR` writes the coefficients of the closed form.

About two minutes a family. The tables of the product lie in `tui_ft/vram/tables`.
"""

from __future__ import annotations

import sys

from tui_ft.errors import TuiFtError
from tui_ft.train.simulate import shim


def main() -> int:
    """Load what must come before torch, then extract."""
    try:
        shim.load()
        from tui_ft.train.simulate import extraction

        return extraction.main()
    except TuiFtError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
