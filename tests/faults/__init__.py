"""Every fault that the lanes promise to survive, one story each, in a simulated world."""
