"""Pictures of routes, histories and dual ascents (extra `viz`)."""
