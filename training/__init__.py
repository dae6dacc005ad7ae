"""Training of the two default perception networks on rendered bodies only. See README.md."""
