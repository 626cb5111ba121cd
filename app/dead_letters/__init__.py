"""Dead letters: looking at what could not be counted, and sending it again."""
