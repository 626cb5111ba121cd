"""How each page is opened: its heading, its first numbers, and what keeps them fresh."""
