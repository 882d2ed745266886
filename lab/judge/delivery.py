"""Kafka's records on their way to a stage's consume: polled, delivered, committed."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition

from lab.judge.stage_file import SERVER_ERRORS, of_exception, of_hanging
from lab.servers import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

    from lab.judge.journal import Journal
    from lab.judge.recorder import Recorder
    from lab.judge.stage_file import Mistake

POLL_MS = 50
RECORDS_MAX = 500  # of one batch, as kafka-python polls by default
RETRY_AFTER_S = 0.1
# How often the clock calls every_second.
CLOCK_S = 1.0
HANG_S = 9.0

Offsets = dict[int, int]  # by partition


class Delivery:
    """One consumer of the group."""

    def __init__(
        self, module: ModuleType, path: Path, recorder: Recorder, journal: Journal
    ) -> None:
        self._module, self._path = module, path
        self._recorder, self._journal = recorder, journal
        self.mistake: Mistake | None = None

    def run(
        self,
        bootstrap: str,
        topic: str,
        begin: Mapping[int, int],
        until: Callable[[], bool],
        kill_after: int = 0,
    ) -> None:
        """Deliver from the offsets `begin` on until `until()`; each batch is committed after.

        A batch that fails with a server's error comes again, as it does with Kafka.
        """
        options = {"enable_auto_commit": False, "group_id": GROUP, "max_poll_records": RECORDS_MAX}
        with closing(KafkaConsumer(bootstrap_servers=bootstrap, **options)) as consumer:
            consumer.assign([TopicPartition(topic, partition) for partition in begin])
            for partition, offset in begin.items():
                consumer.seek(TopicPartition(topic, partition), offset)
            while not (until() or self.mistake):
                for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                    if self._consume(records, kill_after):
                        consumer.commit()
                    else:
                        consumer.seek(partition, records[0].offset)
                        time.sleep(RETRY_AFTER_S)

    def _consume(self, records: list[Any], kill_after: int) -> bool:
        """Return whether the batch may be committed."""
        names = " ".join(record.value.decode(errors="replace") for record in records)
        span = f"offsets {records[0].offset} to {records[-1].offset}"
        self._journal.note("Kafka", f"deliver {span}: {names}")
        with self._recorder.acting_for("", kill_after):
            consume = self._module.consume
            return self._guarded(lambda: consume(records), consume)

    def tick(self, until: Callable[[], bool]) -> None:
        """Call every_second once a second until `until()`."""
        next_s = time.monotonic()
        while not (until() or self.mistake):
            if time.monotonic() < next_s:
                time.sleep(POLL_MS / 1000)
                continue
            next_s = time.monotonic() + CLOCK_S
            with self._recorder.acting_for(""):
                self._guarded(self._module.every_second, self._module.every_second)

    def _guarded(self, function: Callable[[], object], blamed: Callable[..., object]) -> bool:
        """Return whether it succeeded; keep the mistake when the stage's code failed, or hangs.

        blamed: the stage's function, whose line is named where no other one is.
        """
        caller, done = threading.get_ident(), threading.Event()

        def watch() -> None:
            if not done.wait(HANG_S):
                self.mistake = of_hanging([caller], self._path, HANG_S)

        threading.Thread(target=watch, daemon=True).start()
        try:
            function()
        except SERVER_ERRORS:
            return False
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the reader gets its line
            self.mistake = of_exception(error, self._path, blamed)
            return False
        finally:
            done.set()
        return True
