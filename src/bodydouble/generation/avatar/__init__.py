"""The avatar: a parametric body with its own shape, posed by the filmed skeleton, dressed and rendered on the CPU."""
