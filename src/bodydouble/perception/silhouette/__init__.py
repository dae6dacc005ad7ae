"""Which pixels of the frame belong to which person."""
