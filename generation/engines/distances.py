"""How far apart two sets of pictures are, as a feature extractor sees them."""

import numpy as np
from numpy.typing import NDArray

from lib.errors import Refused


def frechet_distance(real: NDArray[np.float32], made: NDArray[np.float32]) -> float:
    """The Fréchet distance (Heusel et al. 2017) between two sets of features, (n, d) each, at least two rows.

    Raises Refused where torchmetrics, the optional extra `scores`, is not installed.
    """
    import torch  # here, so that whoever imports this module does not wait seconds for it

    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError:
        raise Refused("no_torchmetrics", "FID needs torchmetrics: pip install torchmetrics.") from None

    class Features(torch.nn.Module):
        """Passes features through where the metric expects pictures."""

        num_features = real.shape[1]

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return features

    metric = FrechetInceptionDistance(feature=Features())
    metric.set_dtype(torch.float64)
    for features, is_real in ((real, True), (made, False)):
        metric.update(torch.from_numpy(np.asarray(features, dtype=np.float64)), real=is_real)
    return float(metric.compute())
