"""An agent on the Claude Agent SDK behind Ringfence: it asks the gateway before and after everything that it does.

    ringfence up --config ringfence.yaml
    python examples/coding_agent.py "Fix the failing test in tests/test_prices.py"

The agent `coder` is one that your ringfence.yaml configures; docs/sdk.md shows it.
"""

import asyncio
import os
import sys

from claude_agent_sdk import AssistantMessage, ResultMessage, TextBlock, query

from ringfence.sdk.claude import claude_options
from ringfence.sdk.runs import GATEWAY, open_run


async def main(task: str) -> None:
    async with open_run(
        "coder",
        task,
        state=os.environ.get("RINGFENCE_STATE", ".ringfence"),
        gateway=os.environ.get("RINGFENCE_GATEWAY", GATEWAY),
    ) as run:
        async for message in query(prompt=task, options=claude_options(run, max_turns=20)):
            if isinstance(message, AssistantMessage):
                print(*(block.text for block in message.content if isinstance(block, TextBlock)), flush=True)
            elif isinstance(message, ResultMessage) and message.is_error:
                print("ended early:", message.result)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or sys.exit(__doc__)))
