"""The paper's generator: Stable Diffusion 1.5 with motion modules, from skeletons and prompts, in windows that are fused."""
