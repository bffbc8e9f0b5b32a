"""Ground floor: the record of a run and all that can be said about it.

Knows nothing of models, trainers or terminals: torch, textual and openai are never imported here.
"""
