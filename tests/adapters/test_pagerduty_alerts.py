"""Events for PagerDuty, as a receiver of its Events API v2 gets them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.webhook_receiver import receiving

from ringfence.adapters.notifiers.pagerduty import MOST_KEY, MOST_SUMMARY, PagerDutyOptions, event, pagerduty_notifier
from ringfence.adapters.notifiers.severity import severity_of
from ringfence.adapters.notifiers.slack import slack_message
from ringfence.ports.notifier import Act, Alert, AlertKind, Deed
from ringfence.testing.contracts.notifier import alert
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.secrets import known

KEY = "0123456789abcdef0123456789abcdef"
ACTS = (
    Act(Deed.RAISE, "/runs/r_1", "ringfence budget raise r_1 --spend +N --reason WHY"),
    Act(Deed.KILL, "/runs/r_1", "ringfence kill run r_1"),
)


async def test_an_alert_triggers_and_its_end_resolves_by_the_same_key() -> None:
    told = replace(alert(1, AlertKind.CAP_NEAR), agent="coder", run="r_1", about="cap:1", acts=ACTS)
    over = replace(told, id="a_1:over", is_over=True)
    async with receiving() as receiver:
        receiver.answers = [202, 202]
        options = PagerDutyOptions(url=receiver.url, key=known(KEY), public_url="https://gate.example")
        notifier = pagerduty_notifier(options, FakeClock())
        notifier.notify(told)
        notifier.notify(over)
        first, second = (post.json for post in await receiver.until(2))
        await notifier.close()
    assert first == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "cap:1",
        "client": "Ringfence",
        "client_url": "https://gate.example/stops/1",
        "links": [
            {"href": "https://gate.example/stops/1", "text": "Open"},
            {"href": "https://gate.example/runs/r_1", "text": "Raise the cap"},
            {"href": "https://gate.example/runs/r_1", "text": "Kill the run"},
        ],
        "payload": {
            "summary": "it happened 1",
            "source": "gate.example",
            "severity": "warning",
            "timestamp": "2027-01-15T08:00:00.001+00:00",
            "class": "cap_near",
            "group": "coder",
            "custom_details": {
                "agent": "coder",
                "run": "r_1",
                "id": "a_1",
                "to_raise": "ringfence budget raise r_1 --spend +N --reason WHY",
                "to_kill": "ringfence kill run r_1",
            },
        },
    }
    assert second == {"routing_key": KEY, "event_action": "resolve", "dedup_key": "cap:1"}
    assert KEY not in repr(options)


async def test_a_busy_receiver_is_tried_again_and_a_refusal_is_said_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.answers = [429, 500, 400]
        notifier = pagerduty_notifier(PagerDutyOptions(url=receiver.url, key=known(KEY)), clock)
        notifier.notify(alert(1))
        for pause in (1000, 2000):
            await clock.until_sleeping()
            clock.advance(pause)
        await receiver.until(3)
        await notifier.close()
    assert len(receiver.posts) == 3
    assert "was refused by pagerduty 127.0.0.1: 400" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_has_a_severity_that_the_format_knows(kind: AlertKind) -> None:
    assert severity_of(alert(1, kind)).value in {"critical", "error", "warning", "info"}


def test_a_cap_that_is_used_up_ranks_above_one_that_is_near() -> None:
    near = alert(1, AlertKind.CAP_NEAR)
    assert (severity_of(near).value, severity_of(replace(near, is_grave=True)).value) == ("warning", "error")


@given(st.builds(Alert, id=st.text(), kind=st.sampled_from(AlertKind), at=st.integers(0, 2**41), text=st.text(max_size=3000),
                 path=st.text(max_size=50), about=st.text(max_size=400), is_over=st.booleans()))  # fmt: skip
def test_no_event_passes_the_bounds_of_the_format(told: Alert) -> None:
    said = event(told, "")
    assert len(said["dedup_key"]) <= MOST_KEY
    assert "links" not in said  # a path is no link
    if not told.is_over:
        assert 0 < len(said["payload"]["summary"]) <= MOST_SUMMARY


def test_slack_gets_buttons_that_only_open_pages() -> None:
    told = replace(alert(1, AlertKind.CAP_NEAR), text="80 % of a cap", acts=ACTS)
    said = slack_message(told, "https://gate.example")
    assert said["text"] == "80 % of a cap\nhttps://gate.example/stops/1"
    assert [block["type"] for block in said["blocks"]] == ["section", "section", "actions"]
    buttons = said["blocks"][2]["elements"]
    assert [(each["action_id"], each["url"]) for each in buttons] == [
        ("open", "https://gate.example/stops/1"),
        ("raise", "https://gate.example/runs/r_1"),
        ("kill", "https://gate.example/runs/r_1"),
    ]
    assert said["blocks"][1]["text"]["text"] == (
        "```ringfence budget raise r_1 --spend +N --reason WHY\nringfence kill run r_1```"
    )


def test_slack_gets_no_button_without_a_public_address_and_none_to_what_is_over() -> None:
    told = replace(alert(1), acts=ACTS)
    assert [block["type"] for block in slack_message(told, "")["blocks"]] == ["section", "section"]
    over = slack_message(replace(told, is_over=True), "https://gate.example")
    assert over["text"].startswith("over: it happened 1")
    assert [button["action_id"] for button in over["blocks"][-1]["elements"]] == ["open"]


@given(st.text(max_size=6000), st.text(max_size=4000))
def test_no_slack_message_passes_the_bounds_of_its_blocks(text: str, path: str) -> None:
    told = Alert(id="a", kind=AlertKind.KILL, at=0, text=text, path=f"/{path}", acts=(Act(Deed.KILL, f"/{path}", text),))
    for block in slack_message(told, "https://gate.example")["blocks"]:
        if block["type"] == "section":
            assert 0 < len(block["text"]["text"]) <= 3000
            assert "<" not in block["text"]["text"]
        else:
            assert all(len(button["url"]) <= 3000 and len(button["text"]["text"]) <= 75 for button in block["elements"])
