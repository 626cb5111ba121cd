"""For systems that read the results: a kit to copy, an example that bills exactly, and a conformance test."""
