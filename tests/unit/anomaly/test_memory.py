"""Memory and prototypes on numbers done by hand."""

from __future__ import annotations

import math

import pytest
import torch

from bodydouble.anomaly.detectors.memory import NormalMemory, as_features, as_queries
from bodydouble.anomaly.detectors.mpn import DynamicPrototypes, distinction, feature_distance


@pytest.fixture
def memory() -> NormalMemory:
    found = NormalMemory(2, 2, detach_addressing=False)
    found.items.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    return found


def test_reading_mixes_by_softmax_of_cosines(memory: NormalMemory) -> None:
    # Products 1 and 0: weights e/(e+1) and 1/(e+1).
    read = memory.read(torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(read, torch.tensor([[math.e / (math.e + 1), 1 / (math.e + 1)]]))


def test_compactness_and_separateness(memory: NormalMemory) -> None:
    queries = torch.tensor([[0.8, 0.6]])
    compactness, separateness = memory.losses(queries)
    # Nearest (1, 0): squared differences 0.04 and 0.36. Distances: root of 0.4 and of 0.8.
    assert float(compactness) == pytest.approx(0.2)
    assert float(separateness) == pytest.approx(1 + math.sqrt(0.4) - math.sqrt(0.8), abs=1e-4)
    assert memory.distances(torch.tensor([[[0.8, 0.6]], [[0.0, 1.0]]]), memory.items).tolist() == pytest.approx(
        [0.2, 0.0]
    )


def test_updating_moves_an_item_to_those_who_are_nearest(memory: NormalMemory) -> None:
    queries = torch.tensor([[0.8, 0.6], [0.6, -0.8]])
    memory.update(queries)
    # Both belong to (1, 0), by products 0.8 and 0.6: weights 1 and exp(-0.2).
    second = math.exp(-0.2)
    raw = torch.tensor([1 + 0.8 + second * 0.6, 0.6 - second * 0.8])
    torch.testing.assert_close(memory.items[0], raw / raw.norm())
    assert memory.items[1].tolist() == [0.0, 1.0]  # nobody's nearest


def test_addressing_with_and_without_gradient() -> None:
    for detached in (False, True):
        memory = NormalMemory(3, 4, detach_addressing=detached)
        queries = torch.rand(5, 4, requires_grad=True)
        assert memory.read(queries).requires_grad is not detached


def test_the_losses_reach_the_queries_and_not_the_memory() -> None:
    memory = NormalMemory(3, 4, detach_addressing=True)
    queries = torch.nn.functional.normalize(torch.rand(5, 4), dim=1).requires_grad_()
    sum(memory.losses(queries)).backward()
    assert queries.grad is not None
    assert queries.grad.abs().sum() > 0
    assert not memory.items.requires_grad


def test_places_and_maps_are_each_others_inverse() -> None:
    features = torch.rand(2, 3, 4, 5)
    queries = as_queries(features)
    torch.testing.assert_close(queries.norm(dim=1), torch.ones(40))
    back = as_features(queries, features)
    torch.testing.assert_close(back, features / features.norm(dim=1, keepdim=True))


def test_prototypes_gather_and_are_read() -> None:
    unit = DynamicPrototypes(2, 2)
    with torch.no_grad():
        unit.attention.weight.copy_(torch.tensor([[100.0, 0.0], [0.0, 100.0]]))
    places = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    enriched, prototypes = unit(places)
    torch.testing.assert_close(prototypes, torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    mixture = torch.tensor([math.e, 1.0]) / math.hypot(math.e, 1)
    torch.testing.assert_close(enriched[0, 0], torch.tensor([1.0, 0.0]) + mixture)


def test_distance_to_the_nearest_prototype() -> None:
    prototypes = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert feature_distance(torch.tensor([[[0.8, 0.6], [0.0, 1.0]]]), prototypes).tolist() == pytest.approx([0.1])


@pytest.mark.parametrize("squared", [True, False])
def test_distinction_is_a_hinge_over_pairs(squared: bool) -> None:
    same, apart = [1.0, 0.0], [0.0, 1.0]
    # Three pairs: one at distance 0 lacks 1, two at squared distance 2 lack nothing.
    assert float(distinction(torch.tensor([[same, same, apart]]), squared=squared)) == pytest.approx(1 / 3, abs=1e-5)
    assert float(distinction(torch.tensor([[same, apart]]), squared=squared)) == 0.0
    # One pair at distance 0.6: it lacks 1 - 0.36, or 1 - 0.6.
    near = torch.tensor([[[0.3, 0.0], [-0.3, 0.0]]])
    assert float(distinction(near, squared=squared)) == pytest.approx(0.64 if squared else 0.4)


def test_how_hard_prototypes_are_driven_apart() -> None:
    def slope(distance: float, *, squared: bool) -> float:
        pair = torch.tensor([[[distance, 0.0], [0.0, 0.0]]], requires_grad=True)
        distinction(pair, squared=squared).backward()
        assert pair.grad is not None
        return float(pair.grad[0, 0, 0])

    # By hand: d(1 - x^2)/dx = -2x vanishes with the distance, d(1 - x)/dx = -1 does not; neither acts beyond the margin.
    assert [slope(x, squared=True) for x in (0.5, 0.01, 0.0, 1.5)] == pytest.approx([-1.0, -0.02, 0.0, 0.0])
    assert [slope(x, squared=False) for x in (0.5, 0.01, 1.5)] == pytest.approx([-1.0, -1.0, 0.0])
