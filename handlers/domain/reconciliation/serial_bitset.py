"""A set of serials with one bit each: ten million take 1.25 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.campaign import SERIAL_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator


class SerialBitset:
    """Serials from 1 to the highest one that a campaign may have; grows with the highest one."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, serial: int) -> None:
        """Add a serial; ValueError for one that no campaign can have."""
        if not 1 <= serial <= SERIAL_MAX:
            raise ValueError(serial)
        index = serial >> 3
        if index >= len(self._bits):
            self._bits.extend(bytes(index + 1 - len(self._bits)))
        self._bits[index] |= 1 << (serial & 7)

    def discard(self, serial: int) -> None:
        """Remove a serial if it is in the set."""
        if serial in self:
            self._bits[serial >> 3] &= ~(1 << (serial & 7))

    def __iter__(self) -> Iterator[int]:
        """Yield the serials in ascending order."""
        for index, bits in enumerate(self._bits):
            if bits:
                yield from (index << 3 | bit for bit in range(8) if bits >> bit & 1)

    def __contains__(self, serial: int) -> bool:
        index = serial >> 3
        return 0 <= index < len(self._bits) and bool(self._bits[index] >> (serial & 7) & 1)

    def __bool__(self) -> bool:
        return any(self._bits)
