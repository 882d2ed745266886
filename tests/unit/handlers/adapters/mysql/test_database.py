"""database.py: what is retried, what is not, and no half-used connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, Self

import pymysql
import pytest
from pymysql.constants import CR, ER

from handlers.adapters.mysql import connection as mysql_connection
from handlers.adapters.mysql import database as mysql
from handlers.adapters.mysql.database import OF_A_CONSUMER, Database
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.database_address import DatabaseAddress
from handlers.domain.errors import LedgerRefusedError, UnavailableError

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

PASSWORD = "d4tabase-passw0rd"
PACKET_BYTES_MAX = 65_536
ADDRESS = DatabaseAddress("db.example.com", 3306, "shop", PASSWORD, "coupons")


class FakeCursor:
    """Accepts every statement."""

    def __init__(self, connection: FakeConnection) -> None:
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def execute(self, statement: str, values: object = None) -> int:  # noqa: ARG002 - PyMySQL's
        self.connection.calls.append(statement.split(maxsplit=1)[0])
        return 1

    def fetchall(self) -> list[tuple[int]]:
        return [(PACKET_BYTES_MAX,)]


class FakeConnection:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.open = True
        self.commit_error: Exception | None = None
        self.packet_bytes_max = 0

    def cursor(self) -> FakeCursor:
        return FakeCursor(self)

    def begin(self) -> None:
        self.calls.append("begin")

    def commit(self) -> None:
        if self.commit_error:
            error, self.commit_error = self.commit_error, None
            raise error
        self.calls.append("commit")

    def _force_close(self) -> None:
        self.open = False


class Server:
    """Gives connections, and counts them."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []
        self.options: dict[str, Any] = {}
        self.down = False

    def connect(self, **options: Any) -> FakeConnection:
        if self.down:
            raise pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, "Can't connect")
        self.options = options
        self.connections.append(FakeConnection())
        return self.connections[-1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(mysql_connection, "Connection", made.connect)
    monkeypatch.setattr(mysql, "BACKOFF_S", 0.0)
    return made


@pytest.fixture
def database(server: Server) -> Database:
    assert not server.connections
    return Database(lambda: ADDRESS)


class Work:
    """Fails with the given errors, one per call, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, cursor: Cursor) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        cursor.execute("INSERT")
        return "done"


def test_work_is_committed_before_its_result_is_returned(
    server: Server, database: Database
) -> None:
    assert database.run(Work()) == "done"
    [connection] = server.connections
    assert connection.calls[-3:] == ["begin", "INSERT", "commit"]


def test_a_connection_is_kept_for_the_next_work(server: Server, database: Database) -> None:
    for _ in range(3):
        database.run(Work())
    assert len(server.connections) == 1


@pytest.mark.parametrize("code", [ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT])
def test_contention_is_tried_again_from_the_start(
    server: Server, database: Database, code: int
) -> None:
    work = Work(*[pymysql.OperationalError(code, "busy")] * (OF_A_CONSUMER.attempts - 1))
    assert database.run(work) == "done"
    assert work.calls == OF_A_CONSUMER.attempts
    assert [c.open for c in server.connections].count(True) == 1


def test_contention_that_does_not_end_is_an_outage(database: Database) -> None:
    work = Work(*[pymysql.OperationalError(ER.LOCK_DEADLOCK, "busy") for _ in range(50)])
    with pytest.raises(UnavailableError, match=str(ER.LOCK_DEADLOCK)):
        database.run(work)
    assert work.calls == OF_A_CONSUMER.attempts


@pytest.mark.parametrize("code", [CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 4031])
def test_a_stale_connection_is_replaced(server: Server, database: Database, code: int) -> None:
    database.run(Work())
    assert database.run(Work(pymysql.OperationalError(code, "gone"))) == "done"
    assert [c.open for c in server.connections] == [False, True]


def test_a_connection_closed_under_us_is_replaced(server: Server, database: Database) -> None:
    database.run(Work())
    assert database.run(Work(pymysql.InterfaceError(0, ""))) == "done"
    assert len(server.connections) == 2


def test_a_connection_lost_during_the_commit_means_to_do_it_again(
    server: Server, database: Database
) -> None:
    database.run(Work())
    server.connections[0].commit_error = pymysql.OperationalError(CR.CR_SERVER_LOST, "lost")
    work = Work()
    assert database.run(work) == "done"
    assert work.calls == 2


def test_a_fresh_connection_that_is_lost_is_an_outage(server: Server, database: Database) -> None:
    work = Work(*[pymysql.OperationalError(CR.CR_SERVER_LOST, "lost") for _ in range(50)])
    with pytest.raises(UnavailableError):
        database.run(work)
    assert len(server.connections) == 1
    assert not server.connections[0].open


def test_a_server_that_is_down_is_an_outage_whose_text_has_no_secret(
    server: Server, database: Database
) -> None:
    server.down = True
    with pytest.raises(UnavailableError) as caught:
        database.run(Work())
    assert str(caught.value) == "MySQL gave no answer (error 2003)"
    assert PASSWORD not in repr(caught.value.__cause__)


def test_an_error_of_our_own_rolls_back_and_is_not_repeated(
    server: Server, database: Database
) -> None:
    work = Work(KeyError("bug"))
    with pytest.raises(KeyError):
        database.run(work)
    assert work.calls == 1
    assert not server.connections[0].open
    assert "commit" not in server.connections[0].calls
    assert database.run(Work()) == "done"


@pytest.mark.parametrize(
    "error",
    [pymysql.DataError(1406, "too long"), pymysql.IntegrityError(1452, "no such parent")],
)
def test_a_value_that_mysql_refuses_is_not_an_outage(
    server: Server, database: Database, error: Exception
) -> None:
    class Refusing(Database):
        def run(self, work: Any) -> Any:
            assert work
            return super().run(Work(error))

    assert not server.connections
    with pytest.raises(LedgerRefusedError):
        Ledger(Refusing(lambda: ADDRESS), "x" * 32).write([], [])
    assert database.run(Work()) == "done"


def test_a_database_without_its_schema_is_not_ready(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(*_: object) -> int:
        raise pymysql.ProgrammingError(ER.NO_SUCH_TABLE, "Table 'coupons.campaign' doesn't exist")

    assert server
    with monkeypatch.context() as patch:
        database = Database(lambda: ADDRESS)
        database.run(Work())
        patch.setattr(FakeCursor, "execute", execute)
        with pytest.raises(UnavailableError):
            MySqlQueries(database).ping()


def test_each_thread_has_a_connection_of_its_own(server: Server, database: Database) -> None:
    barrier = Barrier(5)

    def one(_: int) -> str:
        barrier.wait()
        return database.run(Work())

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(one, range(5))) == ["done"] * 5
    assert len(server.connections) == 5


def test_a_session_is_strict_bounded_in_time_and_in_utc(server: Server, database: Database) -> None:
    database.run(Work())
    assert "time_zone = '+00:00'" in server.options["init_command"]
    assert "STRICT_ALL_TABLES" in server.options["init_command"]
    for name in ("connect_timeout", "read_timeout", "write_timeout"):
        assert 0 < server.options[name] <= 30


def test_a_password_may_hold_any_character(server: Server) -> None:
    address = DatabaseAddress("db.example.com", 3306, "shop", "비밀번호", "coupons")
    Database(lambda: address).run(Work())
    # PyMySQL writes a str as Latin-1, which has no Hangul; bytes go as they are.
    assert server.options["password"] == "비밀번호".encode()
