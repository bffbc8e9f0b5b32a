"""One interface to a language model, local or remote."""
