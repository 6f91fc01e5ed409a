"""A form takes the batches that there are, no others."""

from __future__ import annotations

import pytest

from perennial.errors import InputError
from tasks.as_of import present
from tests.training.stores import take_in
from tests.world import World


def test_a_batch_that_never_came_is_refused_with_the_known_ones(world: World) -> None:
    world.declare()
    world.month("2024-01")
    take_in("2024-01")
    assert present.fn("shop", "2024-01", None).window == present.fn("shop", None, None).window == "2024-01"
    with pytest.raises(InputError, match="shop has no accepted batch '2024-1'") as caught:
        present.fn("shop", "2024-1", None)
    assert (caught.value.code, caught.value.value) == ("batch-unknown", "2024-1")
    assert "did you mean '2024-01'? The newest ones: 2024-01" in caught.value.fix
