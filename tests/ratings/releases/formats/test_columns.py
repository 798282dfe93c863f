"""The columns of each format, and how the dataset card declares them."""

from ratings.releases.formats.registry import FORMATS
from ratings.releases.publishing import card

PICK_A_PIC = {
    "are_different": "bool",
    "best_image_uid": "string",
    "caption": "string",
    "created_at": "timestamp[ns]",
    "has_label": "bool",
    "image_0_uid": "string",
    "image_0_url": "string",
    "image_1_uid": "string",
    "image_1_url": "string",
    "jpg_0": "binary",
    "jpg_1": "binary",
    "label_0": "double",
    "label_1": "double",
    "model_0": "string",
    "model_1": "string",
    "ranking_id": "int64",
    "user_id": "int64",
    "num_example_per_prompt": "int64",
    "__index_level_0__": "int64",
}
OURS = {
    "pair_id": "string",
    "prompt_id": "string",
    "image_0_sha256": "string",
    "image_1_sha256": "string",
    "width_0": "int32",
    "height_0": "int32",
    "width_1": "int32",
    "height_1": "int32",
    "seed_0": "int64",
    "seed_1": "int64",
    "n_votes": "int32",
    "n_left": "int32",
    "n_right": "int32",
    "n_tie": "int32",
    "n_both_bad": "int32",
    "margin": "float",
    "consensus": "float",
    "aspect_mismatch": "bool",
    "rater_is_author": "bool",
    "gen_params_0": "string",
    "gen_params_1": "string",
}


def test_pairs_have_exactly_the_specified_columns_and_types() -> None:
    assert {field.name: str(field.type) for field in FORMATS["pairs"].schema} == PICK_A_PIC | OURS
    assert len(PICK_A_PIC) == 19


def test_the_card_declares_features_as_the_datasets_library_writes_them() -> None:
    import datasets

    for form in FORMATS.values():
        theirs = datasets.Features.from_arrow_schema(form.schema)
        for name in form.pictures if form.kind == "viewer" else ():
            theirs[name] = datasets.Image()
        assert card.features(form.columns) == theirs._to_yaml_list()
