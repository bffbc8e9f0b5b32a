"""Trains a set of text pairs; knows nothing of evaluation."""
