"""Which paths the client itself refuses to read: secrets anywhere, and what the agent's lists deny, as managed rules say it."""

from ringfence.app.clients.read_denies import read_denies
from ringfence.core.model.local_rules import LocalRules, SecretRules
from ringfence.core.model.permissions import Listed, PermissionLists, PermissionRule, Speaks


def denying(pattern: str, tool: str = "Read", anchor: str = "") -> PermissionRule:
    return PermissionRule(
        listed=Listed.DENY, text=f"{tool}({pattern})", speaks=Speaks.PATH, tool=tool, pattern=pattern, anchor=anchor
    )


def test_secrets_are_named_on_the_whole_machine_without_what_is_there_to_be_read() -> None:
    found = read_denies(None, None)
    assert {"//**/.env", "//**/.env.local", "//**/.ssh/**", "//**/id_ed25519", "//etc/shadow*"} <= set(found)
    # The client's rules know no exceptions: these would take `.env.example` and root's home with them.
    assert not {"//**/.env.*", "//root/**"} & set(found)


def test_rules_of_the_agent_are_anchored_as_managed_rules_have_to_be() -> None:
    rules = (
        denying("./secrets/**"),
        denying("/infra/**"),
        denying("/x/**", anchor="/srv/app"),
        denying("//opt/k"),
        denying("~/.a"),
    )
    found = read_denies(PermissionLists(deny=(*rules, denying("./w", "Edit"))), None)
    assert {"./secrets/**", "./infra/**", "//srv/app/x/**", "//opt/k", "~/.a"} <= set(found)
    assert "./w" not in found


def test_what_the_configuration_adds_and_takes_away_counts_here_too() -> None:
    local = LocalRules(secrets=SecretRules(deny=("*.secret", "~/.vault/**"), allow=("*.pem",)))
    found = read_denies(None, local, own=("/etc/ringfence.yaml",))
    assert {"//**/*.secret", "~/.vault/**", "//etc/ringfence.yaml"} <= set(found)
    assert "//**/*.pem" not in found
