"""Rules that choose the next multipliers, one rule a file."""
