"""Why each fact of a journey won or lost, for people."""
