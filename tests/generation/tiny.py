"""A diffusers checkpoint of random weights, made in a second: the real pipeline code at a toy's size.

Pictures are 32 x 32 px, 2–8 steps; nothing in them is recognisable, everything about them is reproducible.
"""

from pathlib import Path

WORDS = ["a", "an", "the", "cat", "dog", "on", "red", "blue", "green", "background", "tree", "sun"]
SIZE = 32


def _vocabulary(folder: Path) -> Path:
    characters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *characters, *(f"##{c}" for c in characters)]
    file = folder / "vocab.txt"
    file.write_text("\n".join(dict.fromkeys(words)))
    return file


def build(folder: Path, *, seed: int = 0) -> Path:
    """Writes the checkpoint at `folder` (made if missing) and returns it; loads with `DiffusionPipeline`."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    vocabulary = _vocabulary(folder)
    tokenizer = BertTokenizer(str(vocabulary), model_max_length=16)
    text = BertConfig(
        vocab_size=len(vocabulary.read_text().splitlines()),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    text.use_attention_mask = True
    unet = UNet2DConditionModel(
        sample_size=SIZE // 4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=32,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=SIZE,
    )
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=BertModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(timestep_spacing="trailing", clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    vocabulary.unlink()
    return folder
