"""What each view has to show, looked up in the read model as far as the party that looks may see it."""
