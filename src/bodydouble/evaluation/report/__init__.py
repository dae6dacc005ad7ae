"""What was measured, as people and programs read it: JSON, CSV, LaTeX, and one HTML page that needs nothing else.

``model``: what a report is made of. ``files``: ``results.json``. ``table``: figures by result. ``verdict``: plain words
from figures. ``charts``, ``strips``: what is drawn. ``page``: the page. Imports nothing heavy; take names from the modules.
"""
