"""What rules would have said about history, and how good that is."""
