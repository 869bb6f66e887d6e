"""Text that poses: as an order of whoever runs the model, as a consent that was given, as the frame of a conversation."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule, words

POSING_RULES: Final[tuple[Rule, ...]] = (
    words(
        "new_instructions",
        r"\b(?:new|updated|revised|urgent|additional)~(?:instructions?|orders|directives?|prompt)~(?:from|by)~"
        r"(?:your~(?:operator|developers?|creators?|principals?)|the~(?:system|ai)~(?:operator|developers?|team"
        r"|prompt)|anthropic|openai)\b",
    ),
    words(
        "addressed",
        r"\b(?:dear|hey|hello|attention|listen)?(?:~)?(?:ai|llm|language~model|chatgpt|(?:ai|coding|llm)~"
        r"(?:assistant|agent|model))[:,!]~"
        r"(?:please~|you~must~|now~|immediately~)?"
        r"(?:send|forward|call|invoke|run|execute|delete|transfer|ignore|upload|e?mail|post|fetch|open|use|pay"
        r"|change|approve)\b",
        trigger=r"\b(?:ai|llm|model|chatgpt|assistant|agent)[:,!]~(?:please~|you~must~|now~|immediately~)?[a-z]{3}",
    ),
    words(
        "addressed",
        r"\bas~an?~(?:ai|llm|(?:large~)?language~model)(?:~(?:assistant|agent|model))?~you~(?:must|should|are~"
        r"(?:required|instructed|to)|have~to)\b",
    ),
    words(
        "orders",
        r"\bthe~(?:ai~)?(?:assistant|agent|model)~(?:must|should|shall)~(?:now|immediately|silently|first)~"
        r"(?:call|invoke|execute|send|forward|e?mail|transfer|run|use|delete|upload|approve)\b",
    ),
    words(
        "claims_consent",
        r"\b(?:already~|pre-?)(?:been~)?(?:approved|authori[sz]ed|confirmed|cleared)\b[^.\n\x00]{0,40}\b(?:do~not"
        r"|don'?t|no~need~to|without)~"
        r"(?:ask(?:ing)?|confirm(?:ing)?|prompt(?:ing)?|verify(?:ing)?|request(?:ing)?|wait(?:ing)?)\b",
        trigger=r"\b(?:already~|pre-?)(?:been~)?(?:approved|authori[sz]ed|confirmed|cleared)\b",
    ),
    words(
        "claims_consent",
        r"\byou~(?:already~)?have~(?:(?:the~user'?s|my|full|explicit|standing|prior)~){1,2}(?:permission|approval"
        r"|authori[sz]ation|consent)~to~"
        r"(?:call|invoke|execute|send|forward|e?mail|transfer|run|use|delete|upload|proceed|act|bypass|pay)\b",
    ),
    words(
        "fake_turn",
        r"<\|(?:header_start|header_end|python_tag|eom_id|end|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN"
        r"|SYSTEM_TOKEN|USER_TOKEN|CHATBOT_TOKEN)\|>"
        r"|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]|\[(?:system|assistant)\]\(#[a-z_]+\)",
        any_case=False,
    ),
    words("fake_turn", r"\n[ \t\r]*\n#{2,3} (?:System|Assistant|Human)(?: (?:Message|Prompt))?:[ \t\r]*\n", any_case=False),
    words(
        "fake_turn",
        r"(?m)^[ \t]{0,8}[-=<\[#*(]{2,8}[ ]{0,2}(?:end|begin|start)(?:ing)?~(?:of~)?(?:the~)?"
        r"(?:tool~(?:output|results?|response)|untrusted~(?:data|content|input|text)|retrieved~(?:content|documents?)"
        r"|system~(?:prompt|message|instructions)|user~(?:message|turn))\b",
    ),
    words(
        "fake_tag",
        r"</?(?:user|operator|human|system)[-_ ](?:approval|consent|confirmation|authori[sz]ation"
        r"|permission)s?>",
    ),
)
