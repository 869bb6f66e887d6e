"""What every minter keeps. Subclass one of both in a test file and say how to make one, and how to try what it hands out.

`MinterContract` holds for all; `EndingMinterContract` adds what holds where the system can end what it gave.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringfence.core.model.credential import MintedGrant
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.ports.minter import Minted, Minter, Need

RUN = RunId("r_aaaaaaaaaaaaaaaa")
OTHER_RUN = RunId("r_cccccccccccccccc")
CALL = CallId("c_bbbbbbbbbbbbbbbb")


class MinterContract(ABC):
    """The promises of `ringfence.ports.minter.Minter`."""

    grants: tuple[MintedGrant, ...] = (MintedGrant(on="table orders", privileges=("select",)),)
    secret = "password"
    """One of the values that nobody may see."""

    @abstractmethod
    async def minter(self) -> Minter:
        """As after a start: what earlier ones have made is not its own concern, but can be swept."""

    @abstractmethod
    async def works(self, minted: Minted) -> bool:
        """Whether the credential opens anything now."""

    def need(self) -> Need:
        return Need(grants=self.grants, lifetime_s=60, statement_s=5)

    async def test_what_is_minted_works(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        assert await self.works(minted)
        await minter.revoke(minted.id)
        await minter.close()

    async def test_two_runs_never_have_the_same(self) -> None:
        minter = await self.minter()
        one = await minter.mint(self.need(), RUN, CALL)
        two = await minter.mint(self.need(), OTHER_RUN, CALL)
        assert one.id != two.id
        assert one.values[self.secret] != two.values[self.secret]
        await minter.revoke(one.id)
        assert await self.works(two)
        await minter.revoke(two.id)
        await minter.close()

    async def test_an_id_says_nothing_of_the_values(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        assert minted.values[self.secret].reveal() not in minted.id
        assert minted.values[self.secret].reveal() not in repr(minted)
        await minter.revoke(minted.id)
        await minter.close()

    async def test_revoking_and_closing_twice_is_harmless(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        await minter.revoke(minted.id)
        await minter.revoke(minted.id)
        await minter.close()
        await minter.close()

    async def test_a_sweep_leaves_alone_what_is_in_force_here(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        assert minted.id not in await minter.sweep()
        assert await self.works(minted)
        await minter.revoke(minted.id)
        await minter.close()


class EndingMinterContract(MinterContract):
    """And what is made for a call is gone after it."""

    async def test_what_is_revoked_works_no_more(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        await minter.revoke(minted.id)
        assert not await self.works(minted)
        await minter.close()

    async def test_no_two_are_alike_even_of_one_call(self) -> None:
        minter = await self.minter()
        one, two = await minter.mint(self.need(), RUN, CALL), await minter.mint(self.need(), RUN, CALL)
        assert one.id != two.id
        assert one.values[self.secret] != two.values[self.secret]
        await minter.revoke(one.id)
        assert await self.works(two)
        await minter.revoke(two.id)
        await minter.close()

    async def test_a_sweep_after_a_restart_ends_what_was_left_over(self) -> None:
        minter = await self.minter()
        minted = await minter.mint(self.need(), RUN, CALL)
        await minter.close()
        again = await self.minter()
        assert minted.id in await again.sweep()
        assert not await self.works(minted)
        assert await again.sweep() == ()
        await again.close()
