"""An explanation on the terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from app.explaining.view import Line


def write(lines: Iterator[Line], console: Console) -> None:
    """Print lines; on a terminal what is too long goes on below its beginning, elsewhere it stays one line."""
    for line in lines:
        text = Text(line.text, line.style)
        width = max(console.width - line.indent, 20)
        parts = text.wrap(console, width) if console.is_terminal else [text]
        for number, part in enumerate(parts):
            head = (line.head if number == 0 else "").ljust(line.indent)
            console.print(Text(head, line.head_style) + part, soft_wrap=True)
