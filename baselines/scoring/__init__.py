"""Metrics, each a small module; scoring is a pass of its own."""
