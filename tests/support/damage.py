"""Batches in a topic that cannot be read: damaged on the wire, or on the disk of a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from tests.support.polling import send

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.config import Settings
    from local.servers import ApacheKafka


def send_damaged(settings: Settings, values: list[bytes | None], partition: int) -> list[Any]:
    """Send batches with one wrong bit each; Tansu stores them as they are."""
    build = DefaultRecordBatchBuilder.build

    def build_damaged(self: Any) -> Any:
        batch = build(self)
        batch[-2] ^= 1
        return batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultRecordBatchBuilder, "build", build_damaged)
        return send(settings, values, partition=partition)


def damage_on_disk(broker: ApacheKafka, settings: Settings, partition: int, value: bytes) -> None:
    """Change one bit of a record in the segment of a broker that runs."""
    folder: Path = broker.home / "data" / f"{settings.coupon_topic}-{partition}"
    segment = folder / f"{0:020}.log"
    with segment.open("r+b") as file:
        place = file.read().index(value)
        file.seek(place)
        file.write(bytes([value[0] ^ 1]))
