"""The official MCP clients with `ringfence connect` as the one stdio server that they are configured with."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from tests.integration.clients_contract import ClientsContract
from tests.integration.shop_behind_gateway import Gateway, Shop, connect_command, open_shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


class TestClientsThroughConnect(ClientsContract):
    async def way(self, gateway: Gateway) -> dict[str, Any]:
        return {"command": connect_command(gateway)}
