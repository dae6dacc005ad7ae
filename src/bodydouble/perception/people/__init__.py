"""Finding people in single frames."""
