"""What every reader of SQL promises."""

from __future__ import annotations

import pytest

from ringfence.ports.sql_reader import NotSql, SqlKind, SqlReader


class SqlReaderContract:
    """A test class inherits it and says how to make one."""

    def reader(self) -> SqlReader:
        raise NotImplementedError

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("select 1", SqlKind.READ),
            ("insert into a values (1)", SqlKind.WRITE),
            ("update a set b = 1 where c = 2", SqlKind.WRITE),
            ("update a set b = 1", SqlKind.LOSES),
            ("delete from a where b = 1", SqlKind.WRITE),
            ("delete from a", SqlKind.LOSES),
            ("drop table a", SqlKind.LOSES),
            ("truncate table a", SqlKind.LOSES),
            ("create table a (b int)", SqlKind.DEFINES),
        ],
    )
    async def test_a_statement_is_of_its_kind(self, text: str, kind: SqlKind) -> None:
        read = await self.reader().statements(text, "postgres")
        assert not isinstance(read, NotSql)
        assert [one.kind for one in read] == [kind]

    async def test_each_statement_is_told(self) -> None:
        read = await self.reader().statements("select 1; drop table items;", "postgres")
        assert not isinstance(read, NotSql)
        assert [one.kind for one in read] == [SqlKind.READ, SqlKind.LOSES]
        assert read[1].text.upper() == "DROP TABLE ITEMS"

    async def test_the_words_of_a_text_stand_with_its_first_statement(self) -> None:
        read = await self.reader().statements("select 1;  drop table items", "postgres")
        assert not isinstance(read, NotSql)
        assert "drop table items" in read[0].words
        assert [one.words for one in read[1:]] == [""]

    async def test_a_text_without_statements_has_none(self) -> None:
        assert await self.reader().statements("  ", "postgres") == []

    async def test_what_is_no_sql_is_not_guessed_at(self) -> None:
        assert isinstance(await self.reader().statements("frobnicate the table", "postgres"), NotSql)
