"""Problems as plain data: the CVRP, its files and generators, and the assignment problem it becomes."""
