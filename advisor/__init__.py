"""The front doors: command line, terminal app, and the orchestrator behind both."""
