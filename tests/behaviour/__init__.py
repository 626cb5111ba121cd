"""The meaning as stories: what arrives, under which policies, and what must come out; data only."""
