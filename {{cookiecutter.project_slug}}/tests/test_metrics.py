"""Your own metrics, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error

from package_name import metrics

TRUE, PREDICTED = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])


@pytest.mark.skipif(not hasattr(metrics, "mape"), reason="this project has no mape any more")
@pytest.mark.parametrize("weights", [[1, 1, 1], [0, 2, 1]])
def test_mape_is_that_of_scikit_learn(weights: list[int]) -> None:
    expected = mean_absolute_percentage_error(TRUE, PREDICTED, sample_weight=weights)
    assert metrics.mape(TRUE, PREDICTED, np.array(weights)) == pytest.approx(expected)
