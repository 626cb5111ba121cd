"""How Redcat runs: settings, stores, commands, simulator and the embedded servers."""
