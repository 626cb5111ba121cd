"""Ways in which people and systems are told about alerts."""
