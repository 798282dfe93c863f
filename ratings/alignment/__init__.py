"""Diffusion-DPO with a LoRA: fine-tunes a checkpoint on the preferences of a release (Wallace et al. 2023).

The only package of this app that imports torch. `data` reads a release, `training` trains, `evaluation` measures,
`registration` saves the checkpoint and registers it.
"""
