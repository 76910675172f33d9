"""Which pictures of a set are shown, and in which order; how a tab asks for them is in `test_pictures`."""

from __future__ import annotations

import numpy as np
import pytest

from backends.data.pictures import PictureError
from playground.tabs.picture_filters import matching, page_of
from tests.playground.tabs.test_pictures import made_up


def test_the_order_of_a_sequence_takes_turns_between_classes():
    pictures = made_up(200)
    kinds = pictures.factors["kind"].values[matching(pictures, "kind")]
    assert set(kinds[:3]) == {0, 1, 2}
    assert np.bincount(kinds[:9]).tolist() == [3, 3, 3]
    assert sorted(matching(pictures, "kind")) == list(range(200))
    with pytest.raises(PictureError, match="no factor 'x'; there is: kind, parity"):
        matching(pictures, "x")


@pytest.mark.parametrize(
    ("count", "page", "first", "shown"), [(0, 0, None, 0), (5, 9, 0, 5), (60, 3, 0, 60), (61, 1, 60, 60)]
)
def test_a_page_is_full_or_is_all_there_is(count, page, first, shown):
    taken = page_of(np.arange(count), page)
    assert len(taken) == len(set(taken.tolist())) == shown
    assert first is None or taken[0] == first
