"""What a line of a recording has to be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from backends.recordings.recording import FEWEST_POINTS, MAX_POINTS, Line


def line(count: int = 20, **changes: object) -> Line:
    places = tuple(range(1, count + 1))
    return Line(**{"label": "right", "seconds": places, "steps": places, "values": (0.5,) * count, **changes})


def test_a_line_may_stay_where_it_is_but_its_points_are_later_and_later():
    assert line().values == (0.5,) * 20


@pytest.mark.parametrize("column", ["seconds", "steps"])
@pytest.mark.parametrize("places", [(*range(1, 20), 19), (2, 1, *range(3, 21))], ids=["equal", "earlier"])
def test_a_point_that_is_not_later_than_the_one_before_it_is_refused(column, places):
    with pytest.raises(ValidationError, match="right has a point that is not later than the one before it"):
        line(**{column: places})


@pytest.mark.parametrize("column", ["seconds", "steps", "values"])
def test_columns_of_different_lengths_are_refused(column):
    with pytest.raises(ValidationError, match="different lengths"):
        line(**{column: tuple(range(19))})


@pytest.mark.parametrize("count", [FEWEST_POINTS - 1, MAX_POINTS + 1])
def test_a_line_has_so_many_points_as_make_a_curve(count):
    with pytest.raises(ValidationError, match="seconds"):
        line(count)


def test_nan_is_no_point():
    with pytest.raises(ValidationError, match="finite"):
        line(values=(*[0.5] * 19, float("nan")))
