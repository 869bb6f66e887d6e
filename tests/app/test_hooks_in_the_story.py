"""What the story of a run says of its client's tools."""

from tests.pep.hook_world import HookWorld

from ringfence.core.lineage.tracer import trace


async def test_calls_of_a_clients_tools_are_told_like_others_and_its_hooks_by_what_they_tell() -> None:
    hooks = await HookWorld.open()
    await hooks.post(hooks.event("SessionStart", source="startup"))
    await hooks.ask("touch a", "u1")
    await hooks.after("touch a", "u1")
    await hooks.post(hooks.event("SubagentStart", agent_id="a1", agent_type="reviewer"))
    told = [event.what for event in trace(await hooks.entries(), hooks.run.run.id).events]
    assert "its client begins (startup)" in told
    assert "began a subagent (reviewer)" in told
    assert [what for what in told if "local.Bash" in what]
    assert not [what for what in told if "results of calls above" in what]
