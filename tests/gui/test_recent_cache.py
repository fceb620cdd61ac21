"""The cache of what was used of late: bounded, and what is in use stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labctl.gui.viewmodels.recent import Recent


@given(st.lists(st.integers(0, 60), max_size=400), st.integers(1, 20))
def test_a_cache_never_keeps_more_than_two_generations_and_answers_with_what_was_put(
    keys: list[int], room: int
) -> None:
    cache: Recent[int, str] = Recent(room)
    for key in keys:
        found = cache.get(key)
        assert found in (None, f"text {key}")
        if found is None:
            cache.put(key, f"text {key}")
        assert cache.get(key) == f"text {key}"
        assert len(cache) <= 2 * room


def test_a_page_that_is_painted_again_and_again_stays_while_numbers_pass_by() -> None:
    cache: Recent[str, int] = Recent(50)
    page = [f"name {number}" for number in range(40)]
    for name in page:
        cache.put(name, 1)
    for number in range(1_000):
        cache.put(f"{number / 1000:.3f} V", 2)
        if number % 10 == 0:
            assert all(cache.get(name) == 1 for name in page)
    cache.clear()
    assert cache.get(page[0]) is None and len(cache) == 0
