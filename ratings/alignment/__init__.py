"""Diffusion-DPO and Diffusion-KTO with a LoRA: fine-tunes a checkpoint on the preferences of a release.

The only package of this app that imports torch. `data` reads a release, `buckets` fits pictures, `encoding` writes
latents and embeddings to `shards` on disk, `sampling` says which examples each step takes, `denoising` is the
arithmetic, `training` trains with `checkpoints`, `measurement` and `evaluation` measure, `registration` saves the
result and registers it, and `runner` does all of that in one or many processes.
"""
