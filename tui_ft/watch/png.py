"""An SVG document as a PNG picture, with letters even on a box that has no fonts."""

from __future__ import annotations

from importlib.resources import as_file, files

from tui_ft.errors import TuiFtError

ZOOM = 2
"""Pixels of the picture to one of the document: sharp on today's screens."""


def png_of(svg: str) -> bytes:
    """Return `svg` as PNG. Raises `TuiFtError` when the library that draws it is missing or fails."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise TuiFtError(
            "PNG needs the package resvg-py.", "pip install resvg-py, or export as SVG."
        ) from error
    with as_file(files("tui_ft.watch") / "fonts") as fonts:
        try:
            return bytes(
                svg_to_bytes(
                    svg_string=svg, zoom=ZOOM, font_dirs=[str(fonts)], sans_serif_family="tui-ft charts"
                )
            )
        except ValueError as error:
            raise TuiFtError(f"The picture could not be drawn: {error}.", "Export it as SVG.") from error
