"""The clean background: what the camera would see without people."""
