"""A shop's payments as an MCP server: money that leaves does not come back.

`python payments.py --db payments.sqlite (--stdio | --port 0) [--log executed.jsonl]`

Only the read is annotated. Many real servers say nothing about their writes, and an operator then has to.
"""

import sqlite3
from pathlib import Path
from typing import Annotated

from call_log import CallLog
from database import Database
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from serving import main
from typing_extensions import TypedDict

Cents = Annotated[int, Field(strict=True, gt=0, le=10_000_000)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class Balance(TypedDict):
    order_id: str
    customer: str
    paid_cents: int
    refunded_cents: int
    refundable_cents: int


class Refund(TypedDict):
    refund_id: int
    order_id: str
    amount_cents: int
    payout_account: str


class Voucher(TypedDict):
    voucher_id: int
    customer: str
    amount_cents: int


class PayoutAccount(TypedDict):
    customer: str
    payout_account: str
    previous_account: str


def build(path: Path, log: CallLog) -> MCPServer:
    """The server over the database file at `path`."""
    database = Database(path, Path(__file__).with_name("payments.sql").read_text("utf-8"))
    server = MCPServer("payments", version="1.0", log_level="WARNING")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def get_balance(order_id: str) -> Balance:
        """What was paid for an order and what of it can still be refunded, in cents."""
        with database.connect() as connection:
            balance = read_balance(connection, order_id)
            log.executed("get_balance", order_id=order_id)
            return balance

    @server.tool()
    async def refund(order_id: str, amount_cents: Cents, reason: Reason, ctx: Context) -> Refund:
        """Pay part or all of an order back to the customer's payout account. The money leaves at once."""
        await ctx.report_progress(1, 2, "checking the balance")
        with database.connect() as connection:
            balance = read_balance(connection, order_id)
            if amount_cents > balance["refundable_cents"]:
                raise ToolError(f"only {balance['refundable_cents']} cents of order {order_id} can be refunded")
            account = payout_account(connection, balance["customer"])
            log.executed("refund", order_id=order_id, amount_cents=amount_cents, reason=reason)
            row = connection.execute(
                "INSERT INTO refunds (order_id, amount_cents, reason, iban) VALUES (?, ?, ?, ?)",
                [order_id, amount_cents, reason, account],
            )
            done = Refund(refund_id=row.lastrowid or 0, order_id=order_id, amount_cents=amount_cents, payout_account=account)
        await ctx.report_progress(2, 2, "paid out")
        return done

    @server.tool()
    def issue_voucher(customer: str, amount_cents: Cents) -> Voucher:
        """Give a customer a voucher that can be spent at once."""
        with database.connect() as connection:
            payout_account(connection, customer)
            log.executed("issue_voucher", customer=customer, amount_cents=amount_cents)
            row = connection.execute("INSERT INTO vouchers (customer, amount_cents) VALUES (?, ?)", [customer, amount_cents])
            return Voucher(voucher_id=row.lastrowid or 0, customer=customer, amount_cents=amount_cents)

    @server.tool()
    def change_payout_account(customer: str, iban: str) -> PayoutAccount:
        """Change the bank account that refunds to this customer are paid to."""
        account = iban.replace(" ", "").upper()
        if not is_iban(account):
            raise ToolError("this is not a valid IBAN")
        with database.connect() as connection:
            previous = payout_account(connection, customer)
            log.executed("change_payout_account", customer=customer, iban=iban)
            connection.execute("UPDATE accounts SET iban = ? WHERE customer = ?", [account, customer])
            return PayoutAccount(customer=customer, payout_account=account, previous_account=previous)

    return server


def read_balance(connection: sqlite3.Connection, order_id: str) -> Balance:
    """Raises ToolError when nothing was paid for such an order."""
    row = connection.execute(
        "SELECT customer, paid_cents,"
        " (SELECT coalesce(sum(amount_cents), 0) FROM refunds r WHERE r.order_id = p.order_id) AS refunded"
        " FROM payments p WHERE order_id = ?",
        [order_id],
    ).fetchone()
    if row is None:
        raise ToolError(f"no payment for order {order_id}")
    return Balance(
        order_id=order_id,
        customer=row["customer"],
        paid_cents=row["paid_cents"],
        refunded_cents=row["refunded"],
        refundable_cents=row["paid_cents"] - row["refunded"],
    )


def payout_account(connection: sqlite3.Connection, customer: str) -> str:
    """Raises ToolError when there is no such customer."""
    row = connection.execute("SELECT iban FROM accounts WHERE customer = ?", [customer]).fetchone()
    if row is None:
        raise ToolError(f"no customer {customer}")
    return row["iban"]


def is_iban(account: str) -> bool:
    """Shape and check digits (ISO 13616: the rearranged number is 1 modulo 97)."""
    if not (15 <= len(account) <= 34 and account.isascii() and account.isalnum() and account[:2].isalpha()):
        return False
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1


if __name__ == "__main__":
    main("payments", build)
