"""The contenders and the one path that every contender is evaluated on."""
