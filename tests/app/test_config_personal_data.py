"""The sections `personal_data`: of the file, of a server, of a tool."""

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.rules import PersonalArguments, Rules, SecretAction
from ringfence.errors import ConfigError

HEAD = "version: 1\n"
SERVERS = """servers:
  shop: {url: "https://shop.internal/mcp"}
  mail: {url: "https://mail.internal/mcp", scan: {personal_data: {results: "off", arguments: "off"}}}
"""


def read(text: str) -> Rules:
    return parse_config(text.encode(), Path("ringfence.yaml")).rules


def test_it_is_off_where_nobody_asks_for_it() -> None:
    assert read(HEAD + SERVERS).servers[ServerId("shop")].scan.personal is None


def test_what_the_file_says_holds_for_servers_that_say_nothing() -> None:
    rules = read(HEAD + "personal_data: {}\n" + SERVERS)
    shop, mail = (rules.servers[ServerId(name)].scan.personal for name in ("shop", "mail"))
    assert shop is not None
    assert mail is not None
    assert (shop.results, shop.arguments) == (SecretAction.MASK, PersonalArguments.FLAG)
    assert shop.look_for.rules == {"card", "iban", "email", "phone"}
    assert (mail.results, mail.arguments) == (SecretAction.OFF, PersonalArguments.OFF)


def test_a_tool_says_its_own() -> None:
    section = "{kinds: [national-id, email], countries: [de, fr], allow: ['@Shop.example', '+49 30 901820'], arguments: mask}"
    rules = read(HEAD + SERVERS + f"tools:\n  shop.get: {{personal_data: {section}}}\n")
    personal = rules.tools[ToolId("shop.get")].personal
    assert personal is not None
    assert personal.look_for.rules == {"email", "national-id-de", "national-id-fr"}
    assert personal.look_for.allowed == {"@shop.example", "4930901820"}
    assert personal.arguments is PersonalArguments.MASK


@pytest.mark.parametrize(
    "section",
    ["{kinds: [passport]}", "{kinds: []}", "{countries: [xx]}", "{results: deny}", "{arguments: withhold}", "yes"],
)
def test_what_is_not_known_is_refused(section: str) -> None:
    with pytest.raises(ConfigError):
        read(HEAD + f"personal_data: {section}\n" + SERVERS)
