"""`python -m tui_ft` is `tui-ft`."""

from tui_ft.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
