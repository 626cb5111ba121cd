"""JSON Schemas of every record, generated from the types."""
