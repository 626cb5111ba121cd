"""Properties: what holds for any journey, in any order."""
