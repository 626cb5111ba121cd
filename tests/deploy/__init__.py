"""What deploy/ says fits the program: settings, commands, metrics, dependencies."""
