"""Whatever anybody may send: no endpoint ever answers 500, and each keeps to its description."""
