"""Values are computed in order, and only a limited number ahead."""

from __future__ import annotations

import threading
import time

import pytest

from utils.files.read_ahead import CHUNK, THREADS, map_ahead


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 5 * THREADS * CHUNK])
def test_values_are_in_the_order_of_the_items(count):
    """Also if later values are ready before earlier ones."""

    def slowest_first(item):
        time.sleep(0.002 if item % (2 * CHUNK) == 0 else 0)
        return item * item

    assert list(map_ahead(slowest_first, range(count))) == [item * item for item in range(count)]


def test_a_limited_number_of_values_is_computed_ahead():
    lock, done = threading.Lock(), []

    def record(item):
        with lock:
            done.append(item)
        return item

    values = map_ahead(record, range(100 * THREADS * CHUNK))
    next(values)
    assert len(done) <= 2 * THREADS * CHUNK
    values.close()


def test_an_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda item: 1 // item, range(3)))
