"""The table of requests, in a file of SQLite or in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    URL,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    create_engine,
    delete,
    event,
    exc,
    func,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from ..core.errors import UserError, shorten
from ..core.paths import Paths

PASSING = (OperationalError, InterfaceError, OSError)
"""What a database raises that may work again, such as one that restarts or has no room."""
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
SLOWEST = 30
"""Seconds that a statement may take, or wait for another."""
OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": SLOWEST},
    "postgresql": {
        "connect_timeout": 5,
        "tcp_user_timeout": SLOWEST * 1000,
        "options": f"-c statement_timeout={SLOWEST}s",
    },
}
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON")
"""Readers and the writer do not wait for each other; what is deleted is overwritten."""
LONGEST_REASON = 200
FILE = Path(".serve", "requests.sqlite")
"""Of a project, for its requests, unless another database is named."""

HAS_OUTCOME = "outcome_time IS NOT NULL"

TABLES = MetaData()
REQUESTS = Table(
    "requests",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("request", String, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False, index=True),
    Column("model", String, nullable=False),
    Column("version", String, nullable=False),
    Column("run", String, nullable=False),
    Column("role", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("content", JSON(none_as_null=True)),
    Column("answer", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", JSON(none_as_null=True)),
    Column("outcome_time", DateTime(timezone=True)),
    Index("ix_requests_request_row", "request", "row"),
    Index("ix_requests_row_id", "row", "id"),
    Index(
        "ix_requests_outcome_time",
        "outcome_time",
        sqlite_where=text(HAS_OUTCOME),
        postgresql_where=text(HAS_OUTCOME),
    ),
)
"""A line for each row of a request and each version that answered it."""


class RequestDatabase:
    """The table, which is made where there is none yet.

    Whatever its methods raise, nothing of theirs was written then; but where a connection breaks
    while it commits, that is not certain.
    """

    def __init__(self, address: str | Path) -> None:
        """Connect to nothing yet.

        Raises:
            UserError: No database can be reached by such an address.
        """
        url = _parse(address)
        self._engine = _make_engine(url)
        is_file = url.get_backend_name() == "sqlite"
        self.file = Path(url.database) if is_file and url.database else None
        """That it is in, of SQLite."""
        self._is_ready = False
        self._preparing = Lock()

    def write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add lines of the table, in which `content` and `answer` are JSON."""
        with self._begin() as connection:
            connection.execute(insert(REQUESTS), lines)

    def delete(self, end: datetime, count: int) -> int:
        """Delete at most `count` lines of requests that came before `end`; returns their number."""
        # Another server may be at the same ones.
        query = select(REQUESTS.c.id).where(REQUESTS.c.time < end).limit(count)
        ids = query.with_for_update(skip_locked=True).scalar_subquery()
        with self._begin() as connection:
            return connection.execute(delete(REQUESTS).where(REQUESTS.c.id.in_(ids))).rowcount

    def add_outcomes(self, outcomes: Iterable[tuple[str, int, Any]], time: datetime) -> int:
        """Say what became true of rows, by request and place; returns how many are kept."""
        count = 0
        with self._begin() as connection:
            # In one order, so that two servers never wait for each other.
            for request, row, outcome in sorted(outcomes, key=lambda one: one[:2]):
                change = update(REQUESTS).where(REQUESTS.c.request == request)
                change = change.where(REQUESTS.c.row == row)
                change = change.values(outcome=as_json(outcome), outcome_time=time)
                count += connection.execute(change).rowcount > 0
        return count

    def read_last(self, count: int) -> list[dict[str, Any]]:
        """The first lines of the requests that came last, each with the number of its `rows`."""
        same = REQUESTS.alias()
        # Two requests may have one id; the rows of each came at one time.
        keys = ("request", "time", "model", "version", "role")
        rows = select(func.max(same.c.row) + 1).where(*(same.c[k] == REQUESTS.c[k] for k in keys))
        columns = [column for column in REQUESTS.c if column.name not in ("id", "row")]
        query = select(*columns, rows.scalar_subquery().label("rows"))
        query = query.where(REQUESTS.c.row == 0).order_by(REQUESTS.c.id.desc()).limit(count)
        with self._begin() as connection:
            lines = connection.execute(query).mappings().all()
        times = ("time", "outcome_time")
        return [
            {**line, **{name: line[name] and as_utc(line[name]) for name in times}}
            for line in lines
        ]

    def read(self, query: Select[*tuple[Any, ...]], count: int) -> Iterator[Sequence[RowMapping]]:
        """What a query gives, at most `count` lines at a time.

        Raises:
            UserError: It cannot be read, or nothing was ever kept there.
        """
        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    # Nobody waits for an answer here, and there may be millions of lines.
                    connection.exec_driver_sql("SET statement_timeout = 0")
                query = query.execution_options(yield_per=count)
                yield from connection.execute(query).mappings().partitions()
        except (SQLAlchemyError, OSError) as error:
            raise UserError(f"the requests cannot be read: {describe(error)}") from error

    def close(self) -> None:
        """Leave no connection open."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction, with a table to work on."""
        try:
            with self._preparing:
                if self.file and not self.file.is_file():
                    # Open connections would go on to write into a file that was deleted.
                    self._engine.dispose()
                    self._is_ready = False
                if not self._is_ready:
                    self._make_table()
                    self._is_ready = True
            with self._engine.begin() as connection:
                yield connection
        except Exception:
            self._is_ready = False
            raise

    def _make_table(self) -> None:
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch(mode=0o600)
        with suppress(IntegrityError, ProgrammingError):
            # Another server may make it at the same moment.
            TABLES.create_all(self._engine)
        TABLES.create_all(self._engine)


@contextmanager
def open_requests(paths: Paths, address: str | None) -> Iterator[RequestDatabase]:
    """The database at an address, or else the project's file, to read what was kept.

    Raises:
        UserError: There is no such database.
    """
    database = RequestDatabase(address or paths.root / FILE)
    if database.file and not database.file.is_file():
        raise UserError(
            f"{address or FILE.as_posix()}: no such file; it is made by `serve` when the first "
            "request comes, or --requests names another database"
        )
    try:
        yield database
    finally:
        database.close()


def as_json(content: Any) -> str:
    """Content as both databases take it.

    Raises:
        ValueError: It has half of a pair of surrogates, which no text of theirs can hold.
    """
    return to_json(content, inf_nan_mode="null", fallback=str).decode()


def describe(error: Exception) -> str:
    """Why a database failed, without the statement and its values."""
    if isinstance(error, exc.TimeoutError):
        return f"all connections to it have been busy for {SLOWEST} s"
    return shorten(str(getattr(error, "orig", None) or error), LONGEST_REASON)


def _parse(address: str | Path) -> URL:
    if isinstance(address, Path):
        return URL.create("sqlite", database=str(address))
    expected = "sqlite:///FILE or postgresql://USER@HOST/DATABASE was expected"
    try:
        url = make_url(address)
        driver = DRIVERS[url.get_backend_name()]
    except (ArgumentError, KeyError) as error:
        raise UserError(f"--requests: {expected}, which names the database to use") from error
    if not url.database:
        raise UserError(f"--requests: {url.render_as_string()} names no database; {expected}")
    return url.set(drivername=driver)


def _make_engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    try:
        engine = create_engine(
            url, connect_args=OPTIONS[backend], json_serializer=str, pool_pre_ping=True
        )
    except ModuleNotFoundError as error:
        raise UserError(
            f"--requests: {error.name} is not installed; the extra postgresql brings it: "
            "`uv run --extra serve --extra postgresql ...`"
        ) from error
    if backend == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def as_utc(time: datetime) -> datetime:
    """SQLite keeps no time zone; what it was given was in UTC."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
