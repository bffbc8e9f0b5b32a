"""The terminal app: screens over the orchestrator and the summary; no logic of its own."""
