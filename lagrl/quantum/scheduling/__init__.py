"""Several quantum computers at once: who gets which circuit, and what happens when one fails."""
