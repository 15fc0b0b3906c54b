"""From relaxed selections to routes: decode, repair, tour and recombine."""
