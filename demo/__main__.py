"""`python -m demo [--interactive] [--keep] [--directory DIR]`: exit status 0 only when everything was contained."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.agent import Agent, connected
from demo.deciding import AtTerminal, Scripted
from demo.ending import Ending
from demo.gateway import Listening, start_gateway
from demo.people import Desk, Person, at_desk
from demo.processes import DemoFault, Processes, processes
from demo.stage import Stage
from demo.story import TASK, Story
from demo.telling import Telling
from demo.world import HOST, World, fresh, start_orders, write_config, write_handbook


@dataclass(frozen=True)
class Options:
    """The command line."""

    interactive: bool
    keep: bool
    directory: Path


def parse() -> Options:
    parser = argparse.ArgumentParser(prog="demo", description="An agent is hijacked, and contained.")
    parser.add_argument("--interactive", action="store_true", help="decide on the approvals yourself")
    parser.add_argument("--keep", action="store_true", help="leave everything up at the end, until Ctrl-C")
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="where to work; made anew (default: .demo)")
    given = parser.parse_args()
    return Options(given.interactive, given.keep, given.directory)


async def demo(options: Options, telling: Telling) -> bool:
    """The whole demo; whether everything was as it must be. Raises: DemoFault."""
    began = time.monotonic()
    telling.title("Ringfence", "a support agent at work, hijacked half-way, and what its boundary did")
    with fresh(options.directory) as world:
        async with processes(world.logs) as started:
            listening = await set_up(world, started, telling, page=options.keep)
            alice = await Person("alice", None, world).add_operator("alice", "admin")
            bob = await alice.add_operator("bob", "approver")
            async with at_desk(listening, alice) as desk, run_of("support", alice, listening) as support:
                await introduce(telling, desk, support, bob if not options.interactive else None)
                decider = AtTerminal(bob, telling) if options.interactive else Scripted(bob)
                stage = Stage(desk, decider, telling)
                await Story(stage, support, alice, lambda parent: run_of("lookup", alice, listening, parent)).play()
                ending = Ending(world, stage.record, alice, desk, telling)
                await ending.look_back()
                fine = await ending.judge(time.monotonic() - began)
                if options.keep:
                    ending.what_next(listening, bob)
                    await until_told_to_end()
                return fine


async def until_told_to_end() -> None:
    """Wait for Ctrl-C; here it is not a failure."""
    task = asyncio.current_task()
    assert task is not None
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task.uncancel()


async def set_up(world: World, started: Processes, telling: Telling, *, page: bool) -> Listening:
    """Servers, configuration and gateway. Raises: DemoFault."""
    write_handbook(world.handbook)
    write_config(world, await start_orders(world, started))
    listening = await start_gateway(world, started, page=page)
    telling.fact("servers", "orders (streamable HTTP), payments and git (stdio): real MCP servers with real data")
    telling.fact("gateway", f"ringfence on {listening.agents}, with {world.config}")
    return listening


@asynccontextmanager
async def run_of(agent: str, opener: Person, listening: Listening, parent: str | None = None) -> AsyncGenerator[Agent]:
    """A run of an agent, with its client connected."""
    below = ["--parent", parent] if parent else []
    task = TASK if parent is None else "Look orders up."
    opened = await opener.ringfence("run", "start", "--agent", agent, "--task", task, *below)
    async with connected(agent, opened["run"], listening.agents, opened["credential"]) as client:
        yield client


async def introduce(telling: Telling, desk: Desk, support: Agent, approver: Person | None) -> None:
    """Who is there, and what exists for the agent."""
    who = "you decide as bob" if approver is None else f"{approver.name} decides on approvals"
    telling.fact("people", f"alice opened run {support.run}: “{TASK}” {who[0].upper()}{who[1:]}.")
    mine = await support.tools()
    others = [tool["id"] for tool in (await desk.get("tools"))["tools"] if tool["id"] not in mine]
    telling.fact("agent", f"support sees {len(mine)} tools. For it these do not exist: {', '.join(others)}.")


async def with_signals(options: Options, telling: Telling) -> bool:
    """The demo, ended in order by Ctrl-C (however often), SIGTERM and a closed terminal."""
    task = asyncio.current_task()
    assert task is not None
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    return await demo(options, telling)


def leaves(group: BaseExceptionGroup[BaseException]) -> list[str]:
    """What is in a group, however deep."""
    found: list[str] = []
    for one in group.exceptions:
        found += leaves(one) if isinstance(one, BaseExceptionGroup) else [str(one)]
    return found


def main() -> int:
    options, telling = parse(), Telling()
    for name in ("NO_PROXY", "no_proxy"):
        # Everything here is on loopback, which a proxy of the surroundings cannot reach.
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), HOST)))
    try:
        return 0 if asyncio.run(with_signals(options, telling)) else 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    except DemoFault as fault:
        telling.fault(str(fault))
        return 1
    except BaseExceptionGroup as group:  # the client's task groups wrap what goes through them
        faults, others = group.split(DemoFault)
        if faults is None or others is not None:
            raise
        telling.fault("\n".join(leaves(faults)))
        return 1
    except BrokenPipeError:
        # Whoever read the output has left; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
