"""A shop's orders, notes and support tickets as an MCP server.

`python orders.py --db orders.sqlite (--stdio | --port 0) [--log executed.jsonl]`
"""

import sqlite3
from pathlib import Path
from typing import Annotated

from call_log import CallLog
from database import Database
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from serving import main
from typing_extensions import TypedDict

MOST_ROWS = 50
READ = ToolAnnotations(read_only_hint=True, open_world_hint=False)
REVERSIBLE = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
DESTRUCTIVE = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

NoteText = Annotated[str, Field(min_length=1, max_length=2000)]
NoteId = Annotated[int, Field(strict=True, gt=0)]


class Order(TypedDict):
    order_id: str
    customer: str
    item: str
    total_cents: int
    state: str


class Note(TypedDict):
    note_id: int
    author: str
    text: str


class OrderWithNotes(Order):
    notes: list[Note]


class TicketLine(TypedDict):
    ticket_id: str
    customer: str
    subject: str
    state: str


class Ticket(TicketLine):
    order_id: str
    text: str


class NoteChange(TypedDict):
    note_id: int
    order_id: str
    state: str


class OrderChange(TypedDict):
    order_id: str
    state: str


def build(path: Path, log: CallLog) -> MCPServer:
    """The server over the database file at `path`."""
    database = Database(path, Path(__file__).with_name("orders.sql").read_text("utf-8"))
    server = MCPServer("orders", version="1.0", log_level="WARNING")

    @server.tool(annotations=READ)
    def get_order(order_id: str) -> OrderWithNotes:
        """One order with the notes of the staff."""
        with database.connect() as connection:
            row = order_row(connection, order_id)
            log.executed("get_order", order_id=order_id)
            notes = connection.execute(
                "SELECT note_id, author, text FROM notes WHERE order_id = ? ORDER BY note_id", [order_id]
            )
            return OrderWithNotes(**order(row), notes=[Note(**dict(note)) for note in notes.fetchmany(MOST_ROWS)])

    @server.tool(annotations=READ)
    def search_orders(customer: Annotated[str, Field(min_length=1)]) -> list[Order]:
        """The orders of customers whose name contains the given text, newest first; at most 50."""
        with database.connect() as connection:
            log.executed("search_orders", customer=customer)
            rows = connection.execute(
                "SELECT * FROM orders WHERE instr(lower(customer), lower(?)) > 0 ORDER BY order_id DESC LIMIT ?",
                [customer, MOST_ROWS],
            )
            return [order(row) for row in rows]

    @server.tool(annotations=READ)
    def list_tickets() -> list[TicketLine]:
        """The support tickets, oldest first; at most 50. The text of a ticket comes with read_ticket."""
        with database.connect() as connection:
            log.executed("list_tickets")
            rows = connection.execute(
                "SELECT ticket_id, customer, subject, state FROM tickets ORDER BY ticket_id LIMIT ?", [MOST_ROWS]
            )
            return [TicketLine(**dict(row)) for row in rows]

    @server.tool(annotations=READ)
    def read_ticket(ticket_id: str) -> Ticket:
        """One support ticket with the text that the customer wrote."""
        with database.connect() as connection:
            row = connection.execute("SELECT * FROM tickets WHERE ticket_id = ?", [ticket_id]).fetchone()
            if row is None:
                raise ToolError(f"no ticket {ticket_id}")
            log.executed("read_ticket", ticket_id=ticket_id)
            return Ticket(**dict(row))

    @server.tool(annotations=REVERSIBLE)
    def add_note(order_id: str, text: NoteText) -> NoteChange:
        """Add a note to an order. delete_note takes it back."""
        with database.connect() as connection:
            order_row(connection, order_id)
            log.executed("add_note", order_id=order_id, text=text)
            note = connection.execute("INSERT INTO notes (order_id, author, text) VALUES (?, 'agent', ?)", [order_id, text])
            return NoteChange(note_id=note.lastrowid or 0, order_id=order_id, state="added")

    @server.tool(annotations=DESTRUCTIVE)
    def delete_note(note_id: NoteId) -> NoteChange:
        """Delete a note for good, whoever wrote it."""
        with database.connect() as connection:
            row = connection.execute("SELECT order_id FROM notes WHERE note_id = ?", [note_id]).fetchone()
            if row is None:
                raise ToolError(f"no note {note_id}")
            log.executed("delete_note", note_id=note_id)
            connection.execute("DELETE FROM notes WHERE note_id = ?", [note_id])
            return NoteChange(note_id=note_id, order_id=row["order_id"], state="deleted")

    @server.tool(annotations=DESTRUCTIVE)
    def cancel_order(order_id: str) -> OrderChange:
        """Cancel an open order. The warehouse releases the goods at once; this cannot be taken back."""
        with database.connect() as connection:
            row = order_row(connection, order_id)
            if row["state"] != "open":
                raise ToolError(f"order {order_id} is {row['state']}, only an open order can be cancelled")
            log.executed("cancel_order", order_id=order_id)
            connection.execute("UPDATE orders SET state = 'cancelled' WHERE order_id = ?", [order_id])
            return OrderChange(order_id=order_id, state="cancelled")

    return server


def order_row(connection: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    """Raises ToolError when there is no such order."""
    row = connection.execute("SELECT * FROM orders WHERE order_id = ?", [order_id]).fetchone()
    if row is None:
        raise ToolError(f"no order {order_id}")
    return row


def order(row: sqlite3.Row) -> Order:
    return Order(
        order_id=row["order_id"],
        customer=row["customer"],
        item=row["item"],
        total_cents=row["total_cents"],
        state=row["state"],
    )


if __name__ == "__main__":
    main("orders", build)
