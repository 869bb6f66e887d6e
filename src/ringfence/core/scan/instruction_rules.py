"""Text that speaks to a model as its master would. Families of phrasings, in our own words.

Whoever writes the text chooses the words, so no such list is complete, and none decides what an agent may do.
"""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule, words

_ORDERS = r"(?:instructions?|prompts?|directions?|directives?|guidelines?|constraints?)"
_BEFORE = r"(?:previous|prior|earlier|above|preceding|foregoing|past|former|existing|original|initial|system)"
_IGNORE = (
    r"\b(?:ignore|disregard|forget|dismiss|discard|override|do~not~follow|don'?t~follow|stop~following|pay~no~attention~to)~"
    r"(?:(?:all|any|every|each|of|the|your|my|our|these|those|everything|and|other)~){0,4}"
)
_SENDING = (
    r"\b(?:send|post|upload|forward|e?mail|exfiltrate|leak|transmit)~"
    r"(?:(?:all|the|your|any|every|entire|full|complete|this|of|its|user'?s?)~){0,4}"
)
_SECRETS = (
    r"(?:system~prompt|conversation(?:~history)?|chat~history|environment~variables|private~keys?|ssh~keys?"
    r"|(?:saved~)?(?:passwords|credentials|secrets|api~keys|access~tokens)|contents~of~[^\n\x00]{0,30}(?:\.env|id_rsa|\.ssh|\.aws))"
)

INSTRUCTION_RULES: Final[tuple[Rule, ...]] = (
    words("ignore_previous", rf"{_IGNORE}{_BEFORE}~(?:[a-z]+~){{0,2}}{_ORDERS}\b", trigger=_IGNORE + _BEFORE),
    words(
        "ignore_previous",
        rf"\b(?:ignore|disregard|forget|override)~(?:(?:all|any|of|the|your)~){{0,3}}{_ORDERS}~"
        r"(?:above|before~this|(?:that~)?(?:you~)?(?:were~|have~been~|had~been~)?(?:given|received|told)~(?:before|earlier|previously|so~far))\b",
    ),
    words(
        "ignore_own",
        r"\b(?:ignore|disregard|forget|override|bypass|abandon|disable)~(?:all~)?(?:of~)?your~"
        r"(?:(?:system|own|safety|content|ethical|original|core|current|previous|prior|internal|hidden)~){0,2}"
        r"(?:instructions|prompt|guidelines|rules|training|programming|restrictions|safeguards|guardrails|alignment)\b",
    ),
    words(
        "ignore_own",
        r"\bforget~(?:everything|anything|all)~(?:that~)?(?:you(?:~(?:were|was|have|ve|had)(?:~been)?)?~(?:told|know|learned)"
        r"|above|(?:i|we)~(?:said|told~you)|before~this)\b",
    ),
    words(
        "ignore_previous",
        r"\b(?:ignorier(?:e|en|t)?|vergiss|vergesst|vergessen|missachte|missachten)~(?:sie~)?(?:bitte~)?"
        r"(?:(?:alle|die|deine|eure|ihre|aller|s.{1,2}mtlichen?)~){0,3}"
        r"(?:vorherigen?|bisherigen?|obigen?|fr.{1,2}heren?|vorangegangenen?)~(?:anweisungen|instruktionen|befehle|vorgaben)\b",
    ),
    words(
        "ignore_previous",
        r"\b(?:ignore[zr]?|oublie[zr]?)~(?:(?:toutes?|les|vos|tes|ces)~){0,3}(?:instructions|consignes|directives)~"
        r"(?:pr.{1,2}c.{1,2}dentes|ant.{1,2}rieures|ci-dessus)",
    ),
    words(
        "ignore_previous",
        r"\b(?:ignora|ignore|olvida|olvide|omite)~(?:(?:todas|las|tus|sus|estas)~){0,3}(?:instrucciones|indicaciones)~"
        r"(?:anteriores|previas|de~arriba)",
    ),
    words(
        "ignore_previous",
        r"(?:忽略|无视|忘记|不要理会)[^\n\x00]{0,18}(?:之前|以上|先前|前面|上述|此前|所有)[^\n\x00]{0,18}(?:指令|指示|提示)",
        trigger="(?:忽略|无视|忘记|不要理会)",
    ),
    words(
        "ignore_previous",
        r"(?:以前|これまで|上記|前)の[^\n\x00]{0,18}(?:指示|命令|プロンプト)[^\n\x00]{0,9}(?:無視|忘れ)",
        trigger="(?:無視|忘れ)",
    ),
    words("ignore_previous", "(?:И|и)гнорируй(?:те)?~(?:все~)?(?:предыдущие|прежние|прошлые)~(?:инструкции|указания|команды)"),
    words(
        "new_role",
        r"\byou~are~now~(?:(?:in|entering|switched~to|running~in)~)?(?:(?:a|an|the|my|our)~)?"
        r"(?:developer|debug|god|admin(?:istrator)?|unrestricted|unfiltered|jailbroken|dan|root|free)~"
        r"(?:mode|ai|assistant|model|agent|llm|chatbot|from~(?:all|any|your|the))\b",
    ),
    words(
        "new_role",
        r"\byou~are~(?:no~longer|not)~(?:bound|restricted|limited|constrained)~by~(?:(?:any|all|of|the)~){0,2}"
        r"(?:your|openai|anthropic|safety|content|ethical)\b",
    ),
    words(
        "new_role",
        r"\bfrom~now~on,?~you~(?:will|must|shall|are~to|should)~(?:act|behave|respond|reply|answer|obey|pretend|speak|ignore)\b",
    ),
    words(
        "new_role",
        r"\b(?:act|behave|respond|pretend)~(?:as~if|as~though|that)?~?you~(?:are|were|have|had)~(?:(?:an?|no|not|any)~){0,2}"
        r"(?:unrestricted|unfiltered|restrictions|limitations|jailbroken|guidelines|safety)\b",
    ),
    words(
        "new_instructions",
        r"\b(?:your|here~are~(?:your|the)|these~are~your)~new~(?:system~)?(?:instructions?|prompt|directives?)\b",
    ),
    words(
        "new_instructions",
        r"\byour~(?:real|actual|true|only)~(?:task|goal|objective|mission|instructions?|purpose|job)~(?:is|are)\b",
    ),
    words(
        "new_instructions",
        r"(?m)^[ \t>*#\[({=!-]{0,8}(?:system|developer|admin)~(?:override|prompt|instructions?)[\])}*= ]{0,4}\s{0,3}:",
    ),
    words(
        "hide_from_user",
        r"\b(?:do~not|don'?t|never|must~not|without)~(?:ever~)?(?:tell(?:ing)?|inform(?:ing)?|alert(?:ing)?|notify(?:ing)?)~"
        r"(?:the~|your~)?(?:user|human|operator)s?~(?:about~|of~|that~|what~)(?:this|that|it|these|any|you|your)\b",
    ),
    words(
        "hide_from_user",
        r"\b(?:do~not|don'?t|never|must~not|without)~(?:ever~)?(?:mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|report(?:ing)?)~"
        r"(?:this|it|that|any~of~this|anything|these~[a-z]{3,14})~(?:[a-z]+~){0,2}to~(?:the~|your~)?(?:user|human|operator)\b",
    ),
    words(
        "hide_from_user",
        r"\b(?:silently|secretly|covertly)~(?:send|forward|upload|exfiltrate|e?mail|transfer|post)~"
        r"(?:all|any|the|your|their|a~copy|every|it|them|this)\b",
    ),
    words(
        "addressed",
        r"\b(?:attention|note|message|important|instructions?|notice|reminder|warning|directive|task)~(?:to|for)~"
        r"(?:(?:the|all|any|every|you|other)~){0,2}(?:ai|llm|large~language|language)s?(?:~(?:models?|assistants?|agents?|systems?|bots?"
        r"|readers?|crawlers?|reviewers?)){0,2}[\])*_ ]{0,3}[:,.!-]",
    ),
    words("addressed", r"\bif~you~are~(?:an?~)?(?:ai|llm|large~language~model|language~model|chatbot|automated~agent)\b"),
    words(
        "addressed",
        r"\b(?:ai|llm)~(?:assistants?|agents?|models?)~(?:that~(?:is|are)~)?(?:reading|processing|summari[sz]ing|analy[sz]ing|parsing)~"
        r"(?:this|the)\b",
    ),
    words(
        "claims_consent",
        r"\bthe~user~has~(?:already~)?(?:pre-?)?(?:approved|authori[sz]ed|consented~to|agreed~to)~(?:this|all|any|every|these|full)\b",
    ),
    words(
        "send_away",
        _SENDING
        + _SECRETS
        + r"[^.\n\x00]{0,60}(?:https?://|@[a-z0-9-]{1,60}\.|to~(?:this|the~following)~(?:url|address|endpoint|server|e-?mail))",
        trigger=_SENDING
        + r"(?:system|conversation|chat|environment|private|ssh|saved|passwords|credentials|secrets|api|access|contents)\b",
    ),
    words(
        "reveal_prompt",
        r"\b(?:reveal|print|repeat|output|show|display|disclose|leak|recite)~"
        r"(?:(?:me|us|back|all|of|the|verbatim|entire|full)~){0,4}your~(?:(?:own|hidden|initial|original|full|complete)~){0,2}"
        r"(?:system~prompt|instructions|system~message|initial~prompt|prompt)\b",
    ),
    words(
        "orders",
        r"\byou~(?:must|need~to|have~to|should)~(?:immediately|now|silently|secretly)~"
        r"(?:call|invoke|execute|send|forward|e?mail|transfer|run|use|delete|upload)\b",
    ),
    words(
        "orders",
        r"\bbefore~(?:you~)?(?:answer(?:ing)?|respond(?:ing)?|reply(?:ing)?)\b[^.\n\x00]{0,40}\b(?:call|invoke|read|send|fetch|run)~"
        r"(?:the~|this~|to~)?[`'\x22]?[a-z0-9]{1,40}[_./][a-z0-9_./-]+",
        trigger=r"\bbefore~(?:you~)?(?:answer|respond|reply)",
    ),
    words(
        "fake_turn",
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|begin_of_text|end_of_text|eot_id|start_header_id|end_header_id"
        r"|start|channel|message|tool_calls?)\|>|<<SYS>>|\[/?INST\]|<(?:start|end)_of_turn>|<\xef\xbd\x9c(?:User|Assistant|tool|begin|end)",
        any_case=False,
    ),
    words("fake_turn", r"\n[ \t\r]*\n(?:Human|Assistant):[ \t]", any_case=False),
    words(
        "fake_tag",
        r"</?(?:system|developer|assistant)[-_ ](?:reminder|prompt|message|instructions?|override|note|notice)s?"
        r"(?:\s[^>\n\x00]{0,80})?>"
        r"|</?(?:admin|hidden|secret|priority)[-_ ]instructions?>",
        trigger=r"</?(?:system|developer|assistant|admin|hidden|secret|priority)[-_ ][a-z]",
    ),
    words("fake_tag", r"</?(?:IMPORTANT|SYSTEM|INSTRUCTIONS?|CRITICAL)>", any_case=False),
    words(
        "fake_call",
        r"</?(?:[a-z]{1,8}:)?(?:function_calls|function_results?|tool_calls?|tool_results?|tool_response|tool_use)>"
        r"|<(?:[a-z]{1,8}:)?invoke\s{1,4}name\s{0,3}=|\[TOOL_CALLS\]",
    ),
)
