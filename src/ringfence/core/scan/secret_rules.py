"""Credentials of formats that their issuers publish and that are never anything else. Nothing is guessed from randomness.

Each has a trigger of few characters. With a longer one, that repeats a class of signs, Hyperscan looks over the text again for
each beginning that it meets once all rules are one automaton, and a hostile text makes that the square of its length.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule, secret

_NAMED = r"(?i)\b(?:aws_?secret_?(?:access_?)?|secret_?access_?)key[\x22']?\s{0,4}[:=]\s{0,4}[\x22']?"

SECRET_RULES: Final[tuple[Rule, ...]] = (
    secret(
        "aws-access-key",
        r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
        trigger=r"\b(?:AKIA|ASIA)[A-Z2-7]{4}",
        skip=r"\b(?:AKIA|ASIA)[A-Z2-7]{9}EXAMPLE\b",
    ),
    secret(
        "aws-secret-key",
        _NAMED + r"([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
        trigger=_NAMED,
        skip=_NAMED + r"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    secret(
        "github-token",
        r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
        trigger=r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9]{4}",
    ),
    secret(
        "gitlab-token", r"\bgl(?:pat|dt|ptt|rt|soat)-[A-Za-z0-9_-]{20,64}", trigger=r"\bgl(?:pat|dt|ptt|rt|soat)-[A-Za-z0-9_-]"
    ),
    secret(
        "slack-token",
        r"\bxox[abeoprs]-(?:[0-9]{1,14}-){1,4}[A-Za-z0-9]{16,200}|\bxapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[a-f0-9]{32,80}"
        r"|\bxoxe\.xox[bp]-[0-9]-[A-Za-z0-9]{100,300}",
        trigger=r"\bxox[abeoprs]-[0-9]|\bxapp-[0-9]-|\bxoxe\.xox[bp]",
    ),
    secret(
        "slack-webhook",
        r"\bhooks\.slack\.com/services/(T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,28})\b",
        trigger=r"\bhooks\.slack\.com/services/T",
    ),
    secret("stripe-key", r"\b[rs]k_live_[A-Za-z0-9]{20,247}\b|\bwhsec_[A-Za-z0-9+/]{32,64}", trigger=r"\b[rs]k_live_|\bwhsec_"),
    secret("anthropic-key", r"\bsk-ant-[a-z]{2,10}[0-9]{2}-[A-Za-z0-9_-]{60,140}", trigger=r"\bsk-ant-[a-z]"),
    secret(
        "openai-key",
        r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,200}T3BlbkFJ[A-Za-z0-9_-]{20,200}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b",
        trigger="T3BlbkFJ",
    ),
    secret(
        "google-key",
        r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{40,300}|\bGOCSPX-[A-Za-z0-9_-]{28}",
        trigger=r"\bAIza[A-Za-z0-9_-]|\bya29\.[A-Za-z0-9_-]|\bGOCSPX-",
    ),
    secret("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b", trigger=r"\bnpm_[A-Za-z0-9]{8}"),
    secret("pypi-token", r"\bpypi-AgE[A-Za-z0-9_-]{50,300}", trigger=r"\bpypi-AgE"),
    secret("hugging-face-token", r"\bhf_[A-Za-z0-9]{34}\b", trigger=r"\bhf_[A-Za-z0-9]{8}"),
    secret("sendgrid-key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", trigger=r"\bSG\.[A-Za-z0-9_-]{2}"),
    secret("digitalocean-token", r"\bdo[opr]_v1_[a-f0-9]{64}\b", trigger=r"\bdo[opr]_v1_"),
    secret("shopify-token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b", trigger=r"\bshp(?:at|ca|pa|ss)_"),
    secret("vault-token", r"\bhv[sb]\.[A-Za-z0-9_-]{90,300}", trigger=r"\bhv[sb]\.[A-Za-z0-9_-]"),
    secret("telegram-token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}", trigger=r"[0-9]{8}:AA"),
    # Of agents' runs, of operators and of their logins: kept as hashes here, so that nobody knows them by heart.
    secret("ringfence-credential", r"\brf[rol]_[A-Za-z0-9_-]{43}", trigger=r"\brf[rol]_[A-Za-z0-9_-]"),
    secret("age-key", r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", trigger=r"\bAGE-SECRET-KEY-1"),
    secret(
        "private-key",
        # From the opening line to the next dash: a block that was cut off is as secret as a whole one.
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]){0,8}"
        r"(?:Proc-Type: 4,ENCRYPTED(?:\s|\\[nr]){1,4}DEK-Info: [A-Z0-9,-]{5,60}(?:\s|\\[nr]){0,8})?"
        r"(?:(?:Version|Comment): [^\n\x00]{0,100}(?:\s|\\[nr]){1,8}){0,3}"
        r"[A-Za-z0-9+/]{24}[^\x00-]*(?:-{1,5}END[A-Z0-9 ]{1,40}-----)?",
        trigger="PRIVATE KEY(?: BLOCK)?-----",
    ),
    secret(
        "json-web-token",
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
        trigger=r"[A-Za-z0-9_-]\.eyJ[A-Za-z0-9_-]",
    ),
)
