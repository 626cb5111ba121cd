"""What each view shows: built once when it is opened, then told other numbers."""
