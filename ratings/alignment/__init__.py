"""Diffusion-DPO with a LoRA: a checkpoint learns from a release what people prefer (Wallace et al. 2023).

The only part of this app that imports torch. `data` reads a release, `training` learns, `measuring` says how far,
`saving` writes a checkpoint that the site can register.
"""
