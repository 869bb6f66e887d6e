"""Files that are there to hold secrets. Nobody who works on a project has to read them, so no act may, whatever lists allow.

Patterns in gitignore syntax: a name counts at any depth. The list is data and grows; a configuration adds to it and takes away
(`local.secrets`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import PathUse, Place, Use
from ringfence.core.permissions.paths import Fit, goes_below
from ringfence.core.permissions.pattern_sets import pattern_set

_ENVIRONMENT: Final = (
    ".env", ".env.*", "*.env", ".envrc", ".flaskenv", ".dev.vars", ".secrets", ".secrets.*", "secrets.y?ml",
    "secrets.json", "secrets.toml",
    "secrets.env", "*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfstate.backup", ".vault-token", ".vault-pass",
    ".vault_pass*", "master.key",
    "credentials.yml.enc",
)  # fmt: skip
_KEYS: Final = (
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_rsa_*", "id_ed25519_*", "*.pem",
    "*.key", "*.p12", "*.pfx",
    "*.jks", "*.keystore", "*.ppk", "*.kdb", "*.kdbx", "*.asc.key", "*.gpg.key", "ssh_host_*_key", "*.p8", "*.agekey",
)  # fmt: skip
_HOMES: Final = (
    "**/.ssh/**", "**/.gnupg/**", "**/.aws/**", "**/.azure/**", "**/.config/gcloud/**", "**/.oci/**", "**/.kube/**",
    "**/.docker/config.json",
    "**/.config/gh/**", "**/.config/glab-cli/**", "**/.config/hub", "**/.config/doctl/**", "**/.config/op/**",
    "**/.config/heroku/**",
    "**/.config/fly/**", "**/.fly/**", "**/.config/rclone/**", "**/.config/sops/**", "**/.config/containers/auth.json",
    "**/.databrickscfg",
    "**/.terraform.d/credentials*", "**/.terraformrc", "**/.cargo/credentials*", "**/.gem/credentials",
    "**/.m2/settings-security.xml",
    "**/.gradle/gradle.properties", "**/.config/composer/auth.json", "**/.composer/auth.json", "**/.nuget/NuGet.Config",
    ".netrc", "_netrc",
    ".git-credentials", "**/.config/git/credentials", ".npmrc", ".pypirc", ".yarnrc", ".pgpass", ".my.cnf",
    ".mylogin.cnf", ".s3cfg", ".boto",
    ".htpasswd", ".dockercfg", ".rediscli_auth", ".cifs*credentials", "**/.config/anthropic/**",
    "**/.claude/.credentials.json",
    "**/.codex/auth.json", "**/.gemini/oauth_creds.json", "**/.huggingface/token", "**/.cache/huggingface/token",
    "application_default_credentials.json", "service-account*.json", "service_account*.json", "client_secret*.json",
    "credentials.json",
)  # fmt: skip
_KEYRINGS: Final = (
    "**/.local/share/keyrings/**", "**/.password-store/**", "**/Library/Keychains/**", "**/.local/share/kwalletd/**",
    "**/.1password/**",
    "**/.config/1Password/**", "**/.config/Bitwarden*/**", "login.keychain*",
)  # fmt: skip
_BROWSERS: Final = (
    "**/.mozilla/**", "**/.config/google-chrome*/**", "**/.config/chromium/**", "**/.config/BraveSoftware/**",
    "**/.config/microsoft-edge*/**",
    "**/.config/vivaldi*/**", "**/.config/opera*/**", "**/.thunderbird/**",
    "**/Library/Application Support/Google/Chrome/**",
    "**/Library/Application Support/Firefox/**", "**/Library/Cookies/**", "**/snap/firefox/**", "**/snap/chromium/**",
    "cookies.sqlite",
    "key4.db", "logins.json", "Login Data", "**/.bash_history", "**/.zsh_history", "**/.python_history", "**/.psql_history",
    "**/.mysql_history", "**/.node_repl_history",
)  # fmt: skip
_MACHINE: Final = (
    "//proc/*/environ", "//proc/*/task/*/environ", "//proc/*/mem", "//proc/*/maps", "//proc/*/cmdline", "//proc/kcore",
    "//dev/mem", "//dev/kmem",
    "//etc/shadow*", "//etc/gshadow*", "//etc/sudoers", "//etc/sudoers.d/**", "//etc/ssl/private/**",
    "//etc/kubernetes/**", "//run/secrets/**",
    "//var/run/secrets/**", "//root/**", "//var/lib/docker/**", "//etc/krb5.keytab", "//etc/security/opasswd",
    "//run/user/*/keyring/**", "**/.ringfence/**", "**/.config/ringfence/**", "**/.local/state/ringfence/**",
    "//var/lib/ringfence/**",
)  # fmt: skip
SECRET: Final = (*_ENVIRONMENT, *_KEYS, *_HOMES, *_KEYRINGS, *_BROWSERS, *_MACHINE)
_PUBLIC: Final = (
    "*.example", "*.sample", "*.template", "*.tmpl", "*.dist", "*.example.*", "*.sample.*", "*.template.*", "*.pub",
    ".env.defaults", ".env.schema",
    ".env.vault", "**/.ssh/known_hosts*", "cacert.pem", "ca-bundle.pem", "ca-certificates.pem", "*.crt.pem", "*.pub.pem",
    "fullchain.pem",
)  # fmt: skip
"""None, although a pattern above fits: they say what a file looks like, or are meant for everybody."""
_ROOT_HOME: Final = "//root/**"
_NO_PLACE: Final = Place(cwd="/", roots=())


def secret_fit(use: PathUse, place: Place, more: Iterable[str] = (), fewer: Iterable[str] = ()) -> Fit:
    """How much of what an act may touch holds secrets, by its name at either end of a link.

    Of what lies below a folder nothing is said: who looks at the folder says which files are in it.
    """
    if _is_spared(use, place, tuple(fewer)):
        return Fit.NONE
    built_in = tuple(pattern for pattern in SECRET if pattern != _ROOT_HOME or not place.home.startswith("/root"))
    found = pattern_set((*built_in, *more)).fit(use, place)
    return Fit.NONE if found is Fit.SOME and goes_below(use) and not use.is_pattern else found


def _is_spared(use: PathUse, place: Place, fewer: tuple[str, ...]) -> bool:
    if use.is_pattern or goes_below(use):
        return False
    ends = {use.path, use.real or use.path}
    return all(_spared(end, place, fewer) for end in ends)


@lru_cache(maxsize=4096)
def _spared(end: str, place: Place, fewer: tuple[str, ...]) -> bool:
    one = PathUse(use=Use.READ, path=end)
    return pattern_set((*_PUBLIC, *fewer)).fit(one, place) is Fit.ALL
