"""The demonstration: a clip from somewhere, its doubles, and both side by side."""
