"""Measuring what the pipeline did. Imports nothing heavy; take names from the modules.

``ground_truth``: MOTChallenge boxes and a clean plate made with them. ``coverage``: is everybody in the ground truth
covered. ``outside``: did anything else change. ``referee``: an independent detector counts people.
"""
