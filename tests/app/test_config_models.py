"""`models:` in the configuration: what it asks for, and what is wrong with it."""

import re
from pathlib import Path
from typing import Any

import pytest

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import literal_secrets, references
from ringfence.core.metering.anthropic_prices import PRICES
from ringfence.core.metering.local_tools import label_of
from ringfence.core.model.identifiers import AgentId
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef

CODER = AgentId("coder")
DOCS = Path(__file__).parents[2] / "docs" / "model-meter.md"


def loaded(models: str, agent: str = "{purpose: p}") -> Loaded:
    return parse_config(f"version: 1\nmodels: {models}\nagents: {{coder: {agent}}}\n".encode(), Path("ringfence.yaml"))


def complaint(models: str, agent: str = "{purpose: p}") -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(models, agent)
    return str(caught.value)


ONE = "{upstreams: {main: {url: 'https://api.example', credential: {from: 'env:KEY'}}}}"


def test_an_upstream_a_key_and_an_agent_are_enough() -> None:
    found = loaded(ONE)
    rules = found.rules.models
    assert rules is not None
    assert [one.name for one in rules.upstreams] == ["main"]
    assert found.rules.agents[CODER].models == ("*",)
    assert found.rules.agents[CODER].tools == ()
    assert found.models["main"].headers == {"x-api-key": SecretRef("env:KEY", str(Path.cwd()))}
    assert references(found) == {SecretRef("env:KEY", str(Path.cwd()))}
    assert rules.prices == PRICES


def test_without_models_no_agent_has_one() -> None:
    found = parse_config(b"version: 1\nagents: {coder: {purpose: p, tools: []}}\n", Path("ringfence.yaml"))
    assert found.rules.models is None
    assert found.rules.agents[CODER].models == ()


def test_the_first_upstream_that_has_every_named_model_serves_a_request() -> None:
    rules = loaded(
        "{upstreams: {a: {url: 'https://a.example', models: ['claude-haiku-*']}, b: {url: 'https://b.example'}}}"
    ).rules.models
    assert rules is not None

    asked = (("claude-haiku-4-5",), ("claude-haiku-4-5", "claude-opus-5-5"), ())
    served = [rules.upstream_of(models) for models in asked]
    assert [one.name if one is not None else "" for one in served] == ["a", "b", "a"]


def test_prices_are_dollars_for_a_million_tokens_and_exact() -> None:
    prices = "{house: {input: 0.000001, output: 6, cache_write_5m: 1.5}}"
    rules = loaded(f"{{upstreams: {{a: {{url: 'https://a.example'}}}}, prices: {prices}, unknown: refuse}}").rules.models
    assert rules is not None
    price = rules.prices.of("house")
    assert price is not None
    rates = price.rates
    assert (rates.plain, rates.output, rates.write_5m, rates.write_1h, rates.read) == (1, 6_000_000, 1_500_000, 2, 1)
    assert rules.prices.of("nobody") is None


def test_what_may_not_be_bounded_is_refused_where_the_operator_says_so() -> None:
    rules = loaded("{upstreams: {a: {url: 'https://a.example'}}, unbounded: refuse}").rules.models
    assert rules is not None
    assert rules.allowances.refuses_unbounded


def test_an_agent_that_names_models_has_those() -> None:
    assert loaded(ONE, "{purpose: p, models: ['claude-haiku-*']}").rules.agents[CODER].models == ("claude-haiku-*",)


@pytest.mark.parametrize(
    ("models", "agent", "said"),
    [
        ("{}", "{purpose: p}", "missing key `upstreams`"),
        ("{upstreams: {a: {}}}", "{purpose: p}", "missing key `url`"),
        ("{upstreams: {a: {url: 'https://u:p@a.example'}}}", "{purpose: p}", "holds a user name or password"),
        ("{upstreams: {a: {url: 'https://a.example/?k=v'}}}", "{purpose: p}", "has a query"),
        ("{upstreams: {a: {url: 'https://a.example', headers: {host: x}}}}", "{purpose: p}", "is set by the gateway"),
        (
            "{upstreams: {a: {url: 'https://a.example', credential: {from: 'env:K'}, headers: {X-Api-Key: x}}}}",
            "{purpose: p}",
            "stands under `headers` already",
        ),
        ("{upstreams: {a: {url: 'https://a.example'}}, prices: {m: {input: 1}}}", "{purpose: p}", "missing key `output`"),
        ("{upstreams: {a: {url: 'https://a.example'}}, unknown: cheap}", "{purpose: p}", "cheap"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(models: str, agent: str, said: str) -> None:
    assert said in complaint(models, agent)


def test_an_agent_cannot_name_models_where_there_are_none() -> None:
    with pytest.raises(ConfigError, match="there are no `models`"):
        parse_config(b"version: 1\nagents: {coder: {purpose: p, tools: [], models: ['*']}}\n", Path("ringfence.yaml"))


def test_a_server_cannot_be_named_like_the_gateways_own() -> None:
    with pytest.raises(ConfigError, match="reserved"):
        parse_config(b"version: 1\nservers: {model: {command: [x]}}\n", Path("ringfence.yaml"))


def test_a_key_in_the_file_is_warned_about_masked_and_not_part_of_the_digest() -> None:
    def with_key(key: str) -> Loaded:
        return loaded(f"{{upstreams: {{a: {{url: 'https://a.example', credential: {key}, headers: {{x-token: {key}x}}}}}}}}")

    one: Any = with_key("sk-ant-api03-0000000000000000000000000000")
    other = with_key("sk-ant-api03-1111111111111111111111111111")
    assert any("{from: ...}" in warning for warning in one.warnings)
    assert "sk-ant-api03-0000000000000000000000000000" in set(literal_secrets(one))
    assert "sk-ant" not in repr(one.models)
    assert one.digest == other.digest


def test_credentials_in_requests_are_masked_unless_the_operator_wants_it_otherwise() -> None:
    both = "{a: {url: 'https://a.example', secrets: 'off'}, b: {url: 'https://b.example'}}"
    for given, expected in ((ONE, ["mask"]), (f"{{upstreams: {both}, secrets: refuse}}", ["off", "refuse"])):
        rules = loaded(given).rules.models
        assert rules is not None
        assert [one.secrets for one in rules.upstreams] == expected
        assert rules.allow_secrets == ()
    rules = loaded("{upstreams: {a: {url: 'https://a.example'}}, allow_secrets: [json-web-token]}").rules.models
    assert rules is not None
    assert rules.allow_secrets == ("json-web-token",)
    assert "allow_secrets" in complaint("{upstreams: {a: {url: 'https://a.example'}}, allow_secrets: [no-such-rule]}")


def test_the_operator_says_what_results_of_local_tools_are_worth_and_the_agents_own_word_comes_first() -> None:
    models = "{upstreams: {a: {url: 'https://a.example'}}, observe: {Read: {sensitivity: regulated}, '*': {trust: trusted}}}"
    rules = loaded(models, "{purpose: p, observe: {'Rea*': {trust: trusted, sensitivity: public}}}").rules.models
    assert rules is not None
    named = {
        agent: [(label_of(tool, rules.local_tools_of(agent)).in_words) for tool in ("Read", "Bash")]
        for agent in (CODER, AgentId("other"))
    }
    assert named == {
        CODER: ["trusted, public", "trusted, internal"],
        "other": ["untrusted, regulated", "trusted, internal"],
    }
    assert label_of("Bash", ()).in_words == "untrusted, internal"
    assert "nothing is seen" in complaint_without_models("{purpose: p, tools: [], observe: {Read: {}}}")


def complaint_without_models(agent: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"version: 1\nagents: {{coder: {agent}}}\n".encode(), Path("ringfence.yaml"))
    return str(caught.value)


def test_the_examples_of_the_documentation_can_be_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        # Sections that an example leaves out.
        text = example if "version:" in example else f"version: 1\n{example}"
        text += "secrets: {vault: {address: 'https://vault.example', token: {from: 'env:TOKEN'}}}\n" if "vault:" in text else ""
        agents = "" if "agents:" in text else "agents: {coder: {purpose: p}}\n"
        assert parse_config(f"{text}{agents}".encode(), Path("ringfence.yaml")).rules.models is not None
