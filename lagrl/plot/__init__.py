"""Pictures of routes, of their improvement and of dual ascents (extra `viz`).

Every function draws on the axes given (`ax`), or on new ones of matplotlib.pyplot, and returns the axes.
"""

from lagrl.plot.pictures import dual, history, new_figure, routes, save_figure

__all__ = ["dual", "history", "new_figure", "routes", "save_figure"]
