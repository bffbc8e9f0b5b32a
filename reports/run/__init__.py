"""The stored run: its types, its directory, its hashes."""
