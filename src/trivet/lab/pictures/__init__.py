"""Role: pictures: a run's recording as a space-time diagram (SVG, interactive page) or as a ShiViz log.

Floor: 7.
On the path: a ``Recording`` -> text that a browser, or ShiViz, shows.
"""
