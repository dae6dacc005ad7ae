"""Detections to tracks: BoT-SORT forwards in time, then an offline pass over the whole clip."""
