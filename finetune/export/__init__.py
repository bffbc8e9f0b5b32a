"""Hand a result over to other tools."""
