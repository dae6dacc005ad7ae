"""The memory of normal patterns of MNAD, which LGN-Net uses as well (MNAD, sections 3.1.2 and 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MARGIN = 1.0
"""Of the triplet loss."""


class NormalMemory(nn.Module):
    """Unit vectors; queries are unit vectors too, so that their product is a cosine."""

    items: Tensor

    def __init__(self, items: int, width: int, *, detach_addressing: bool) -> None:
        super().__init__()
        self.detach_addressing = detach_addressing
        # A buffer, not a parameter: the memory changes by `update`, never by gradients.
        self.register_buffer("items", functional.normalize(torch.rand(items, width), dim=1))

    def read(self, queries: Tensor, items: Tensor | None = None) -> Tensor:
        """Mix items by how well they match.

        Args:
            queries: (..., Q, D), unit length.
            items: what to read instead of the memory's own items; (..., M, D), one set for each set of queries.

        Returns:
            (..., Q, D): items weighted by the softmax over items of their product with the query (equations 1, 3).
        """
        held = self.items if items is None else items
        weights = torch.softmax(queries @ held.transpose(-1, -2), dim=-1)
        return (weights.detach() if self.detach_addressing else weights) @ held

    def nearest(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest and the second nearest item of each query, (Q, D) each."""
        order = (queries.detach() @ self.items.t()).topk(2, dim=1).indices
        return self.items[order[:, 0]], self.items[order[:, 1]]

    def losses(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Compactness and separateness of queries (Q, D), both scalars.

        Means over all numbers, as the authors' code has it and as their weights are meant; the paper writes sums.
        """
        first, second = self.nearest(queries)
        separateness = functional.triplet_margin_loss(queries, first, second, margin=MARGIN)
        return functional.mse_loss(queries, first), separateness

    @staticmethod
    def distances(queries: Tensor, items: Tensor) -> Tensor:
        """Mean squared distance of queries (B, Q, D) to the nearest of the items (B, M, D) or (M, D): (B,)."""
        held = items.expand(len(queries), -1, -1)
        order = (queries @ held.transpose(1, 2)).argmax(2)
        first = held.gather(1, order[:, :, None].expand(-1, -1, held.shape[2]))
        return (queries - first).square().mean((1, 2))

    @torch.no_grad()
    def update(self, queries: Tensor) -> None:
        """Move each item towards the queries it is nearest to (equations 5 to 8).

        A query counts by the softmax *over queries* of its product with the item, divided by the largest of those that
        belong to the item, as the paper says; the authors' code divides by the largest of all. Items nobody is nearest to
        stay.

        Args:
            queries: (Q, D), unit length.
        """
        queries = queries.detach().to(self.items.dtype)
        matching = queries @ self.items.t()  # (Q, M)
        belongs = functional.one_hot(matching.argmax(1), self.items.shape[0]).to(self.items.dtype)
        # exp(a - max) is the softmax over queries up to a factor that the division takes out again.
        largest = torch.where(belongs > 0, matching, torch.full_like(matching, -torch.inf)).amax(0, keepdim=True)
        weights = torch.where(belongs > 0, torch.exp(matching - largest), torch.zeros_like(matching))
        self.items.copy_(functional.normalize(self.items + weights.t() @ queries, dim=1))


def as_queries(features: Tensor) -> Tensor:
    """One unit vector per place: (B, D, H, W) to (B * H * W, D)."""
    return functional.normalize(features.float(), dim=1).permute(0, 2, 3, 1).flatten(0, 2)


def as_features(queries: Tensor, like: Tensor) -> Tensor:
    """Back to a map: (B * H * W, K) to (B, K, H, W) of the places of ``like``."""
    batch, _, height, width = like.shape
    return queries.reshape(batch, height, width, -1).permute(0, 3, 1, 2)
