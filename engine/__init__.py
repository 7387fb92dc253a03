"""The engine: commands in, events out, nothing else (docs/decisions/0001). Imports no kernel."""
