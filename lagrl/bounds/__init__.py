"""Lower bounds on the CVRP itself: route relaxations, priced exactly in whole numbers."""
