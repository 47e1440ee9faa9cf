"""Programs that stand outside the house and use it as anybody else would."""
