"""Afterwards: what it touched, whether the log is whole, and what the judge says."""

from dataclasses import dataclass

from demo.gateway import Listening
from demo.judge import contained, faults, read_executed
from demo.people import Desk, Person
from demo.record import Record
from demo.telling import Telling
from demo.world import World

ONLY_READ = "  read  "
"""What rows of objects that were read, and not changed, have in the command's table."""


@dataclass(frozen=True)
class Ending:
    """The last part of the demo."""

    world: World
    record: Record
    asking: Person
    desk: Desk
    telling: Telling

    async def look_back(self) -> None:
        """What a person asks the log afterwards, as they see it."""
        self.telling.scene("", "What did it touch? Was the log changed?")
        lines = (await self._asked("audit", "touched", "--agent", "support"))[1].splitlines()
        writes = [line for line in lines if ONLY_READ not in line]
        self.telling.output("\n".join([*writes, f"(and {len(lines) - len(writes)} rows that were only read)"]))
        status, printed = await self._asked("audit", "verify")
        self.telling.output(printed)
        self.record.verified = status == 0

    async def _asked(self, *arguments: str) -> tuple[int, str]:
        self.telling.command(f"ringfence {' '.join(arguments)}")
        return await self.asking.printed(*arguments)

    async def judge(self, seconds: float) -> bool:
        """Compare with the servers' own logs, print the table; whether all is as it must be."""
        executed = read_executed(self.world)
        self.telling.findings("Contained", contained(self.record.attempts, executed))
        wrong = faults(self.record, self.world, await self._entries())
        if wrong:
            self.telling.verdict(False, "NOT contained, or not working:")
            for fault in wrong:
                self.telling.output(f"- {fault}")
            return False
        let_in = sum(one.took_effect and one.vote is not None and one.hostile for one in self.record.attempts)
        if let_in:
            self.telling.verdict(
                True, f"Held, but for {let_in} injected call that a person approved: the boundary asks, people answer."
            )
            return True
        meant = sum(one.took_effect and not one.hostile for one in self.record.attempts)
        self.telling.verdict(True, f"Contained, in {seconds:.1f} s. {meant} calls that were meant to happen did.")
        self.telling.output(f"The servers and the log agree on all {len(executed)} executed calls of orders and payments.")
        return True

    async def _entries(self) -> list[dict[str, object]]:
        kinds = ("decision", "outcome")
        return [entry for kind in kinds for entry in await self.desk.entries(kind=kind)]

    def what_next(self, listening: Listening, approver: Person) -> None:
        """Where to look while it is left up."""
        self.telling.next_steps(
            "\nIt is all still up. In another terminal, from this directory:",
            [
                (f'export PATH="$PWD/.venv/bin:$PATH" RINGFENCE_STATE={self.world.state}', ""),
                (
                    f"export RINGFENCE_OPERATOR_CREDENTIAL={approver.credential}",
                    f"# you are {approver.name}; without it, alice",
                ),
                ("ringfence explain ENTRY", "# any entry above: why, and the smallest change of the answer"),
                (
                    'ringfence run start --agent support --task "Try it yourself."',
                    f"# as alice; then any MCP client on {listening.agents}",
                ),
                ("ringfence approvals watch", f"# or the page: {listening.page}"),
                (f"less {self.world.config}", "# what the agent was given"),
            ],
        )
        self.telling.next_steps("Ctrl-C ends it.", [])
