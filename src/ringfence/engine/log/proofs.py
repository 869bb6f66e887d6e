"""Proofs over the log, made from the hashes of complete subtrees: some kilobytes are read, however long the log is."""

from __future__ import annotations

from ringfence.core.audit.proof import Span, consistency_spans, inclusion_spans, subtrees
from ringfence.core.audit.tiles import HEIGHT
from ringfence.core.audit.tree import merkle_root, root_hash
from ringfence.ports.audit import AuditLog


class LogProofs:
    """Every method raises UnavailableError, and RequestError for places that the log does not have."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The proof that entry `index` is in the tree of `size`, nearest node first."""
        return await self._nodes(inclusion_spans(index, size))

    async def consistency(self, old_size: int, size: int) -> tuple[bytes, ...]:
        """The proof that the tree of `old_size` begins the tree of `size`."""
        return await self._nodes(consistency_spans(old_size, size))

    async def root(self, size: int) -> bytes:
        """The root over the first `size` entries."""
        return await self._node((0, size))

    async def _nodes(self, spans: tuple[Span, ...]) -> tuple[bytes, ...]:
        return tuple([await self._node(span) for span in spans])

    async def _node(self, span: Span) -> bytes:
        return root_hash(tuple([await self._subtree(height, index) for height, index in subtrees(span)]))

    async def _subtree(self, height: int, index: int) -> bytes:
        level, rest = divmod(height, HEIGHT)
        return merkle_root(await self._log.hashes(level, index << rest, 1 << rest))
