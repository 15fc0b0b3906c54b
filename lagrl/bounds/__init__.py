"""Lower bounds on the CVRP itself, from route relaxations priced exactly in whole numbers."""
