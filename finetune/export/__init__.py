"""Hands a training over to other tools: data and configurations for other trainers, GGUF, Ollama.

Knows pairs, recipes and weights; refuses to know runs and scores. What it writes is complete or not there.
"""
