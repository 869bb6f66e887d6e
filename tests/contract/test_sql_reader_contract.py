"""The promises of a reader of SQL, kept by the fake and by sqlglot."""

from ringfence.adapters.parsers.sql import SqlglotReader
from ringfence.ports.sql_reader import SqlReader
from ringfence.testing.contracts.sql_reader import SqlReaderContract
from ringfence.testing.fakes.sql_reader import FakeSqlReader


class TestFakeSqlReader(SqlReaderContract):
    def reader(self) -> SqlReader:
        return FakeSqlReader()


class TestSqlglotReader(SqlReaderContract):
    def reader(self) -> SqlReader:
        return SqlglotReader()
