"""Pictures of routes, of their improvement, of dual ascents and of placements (extra `viz`).

Most functions draw on the axes given (`ax`), or on new ones of matplotlib.pyplot, and return the axes; `placement`
returns a figure.
"""

from lagrl.plot.pictures import dual, history, new_figure, routes, save_figure
from lagrl.plot.placement_pictures import placement

__all__ = ["dual", "history", "new_figure", "placement", "routes", "save_figure"]
