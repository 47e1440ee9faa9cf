"""The rows, each a topic of the check list with its cases."""
