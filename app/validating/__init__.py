"""A partner's check of its own records, before or after they are sent."""
