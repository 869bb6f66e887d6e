"""The operator's key stays with the operator, whatever a model's server does with it."""

from __future__ import annotations

import pytest
from tests.engine.model_kit import CAPS, PART, START, STOP, TOTALS, Answer, Model, Reader, ask, rules_for

from ringfence.core.scan.redactor import Redactor
from ringfence.engine.models.asking import Whole
from ringfence.testing.world import World

KEY = "sk-of-the-operator-0123456789"
JSON = {"content-type": "application/json"}


async def answered(answer: Answer) -> Whole:
    redactor = Redactor()
    redactor.learn(KEY)
    world = await World.build(rules=rules_for(caps=CAPS), models={"vendor": Model(answer)}, redactor=redactor)
    given = await ask(world, await world.open_run(), Reader())
    assert given.answer is not None
    return given.answer


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("status", [400, 403, 404, 500, 504])
async def test_an_error_that_quotes_the_headers_of_the_request_does_not_give_the_key_to_the_agent(status: int) -> None:
    quoted = f'{{"error":"cannot read","headers":{{"x-api-key":"{KEY}","authorization":"Bearer {KEY}"}}}}'
    answer = await answered(Answer(JSON, status).says(quoted.encode(), b""))
    assert answer.status == status
    assert KEY not in answer.body.decode()
    assert b"cannot read" in answer.body


async def test_headers_of_an_answer_do_not_give_the_key_to_the_agent() -> None:
    for status, body in ((529, b"{}"), (200, b'{"type":"message","model":"m","content":[],"usage":{}}')):
        answer = await answered(Answer({**JSON, "request-id": f"req {KEY}"}, status).says(body, b""))
        assert KEY not in str(answer.headers)
        assert answer.headers["request-id"].startswith("req ")


@pytest.mark.requirement("I9")
async def test_an_error_in_the_middle_of_a_stream_does_not_give_it_either() -> None:
    error = f'event: error\ndata: {{"type":"error","error":{{"type":"api_error","message":"x-api-key: {KEY}"}}}}\n\n'.encode()
    redactor = Redactor()
    redactor.learn(KEY)
    model = Model(Answer().says(START, PART, error, b""))
    world = await World.build(rules=rules_for(caps=CAPS), models={"vendor": model}, redactor=redactor)
    client = Reader()
    await ask(world, await world.open_run(), client)
    assert client.data.startswith(START + PART)
    assert b"api_error" in client.data
    assert KEY not in client.data.decode()


async def test_what_holds_no_secret_comes_back_byte_for_byte() -> None:
    odd = b'{"error":"\xff\xfe not utf-8"}'
    assert (await answered(Answer(JSON, 500).says(odd, b""))).body == odd


async def test_a_stream_is_left_as_it_is() -> None:
    redactor = Redactor()
    redactor.learn(KEY)
    answer = Answer().says(START, PART, TOTALS, STOP, b"")
    world = await World.build(rules=rules_for(caps=CAPS), models={"vendor": Model(answer)}, redactor=redactor)
    client = Reader()
    await ask(world, await world.open_run(), client)
    assert client.data.startswith(START + PART)
