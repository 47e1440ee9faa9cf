"""The tests: a package for each room, and the engines, clock and flows that they share."""
