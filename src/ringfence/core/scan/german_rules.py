"""Text that speaks to a model as its master would, in German."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule
from ringfence.core.scan.spelling import END, TOOL, WORD, abroad

_DE_USER: Final = r"(?:benutzer|nutzer|anwender)"

GERMAN_RULES: Final[tuple[Rule, ...]] = (
    abroad(
        "ignore_own",
        r"\b(?:ignorier(?:e|en|t)?|vergiss|umgehe?|missachte|deaktiviere)~(?:sie~)?(?:alle~)?(?:deine|eure)n?~"
        r"(?:(?:eigenen|internen|bisherigen|urspr)[^\s\x00]{0,12}~)?"
        r"(?:anweisungen|richtlinien|regeln|sicherheitsregeln|vorgaben|beschr.{1,2}nkungen|leitplanken)\b",
    ),
    abroad(
        "new_role",
        r"\bdu~bist~(?:jetzt|nun|ab~sofort|ab~jetzt)~(?:im~)?(?:eine?[rm]?~)?"
        r"(?:entwicklermodus|debugmodus|gottmodus|administratormodus|uneingeschränkte[rns]?|unzensierte[rns]?|dan\b)",
    ),
    abroad(
        "new_role",
        rf"\b(?:ab~(?:jetzt|sofort)|von~nun~an)~(?:wirst|musst|sollst)~du~(?:{WORD}){{0,4}}(?:gehorchen|ignorieren"
        rf"|antworten~als)\b",
        trigger=r"\b(?:ab~(?:jetzt|sofort)|von~nun~an)~(?:wirst|musst|sollst)~du~",
    ),
    abroad(
        "new_instructions",
        r"\bdeine~(?:neuen?|eigentlichen?|wahren?|wirklichen?)~(?:anweisung(?:en)?|aufgabe|instruktionen|befehle?|ziele?)(?:~)?"
        r"(?::|~(?:lauten?|sind|ist)\b)",
    ),
    abroad(
        "new_instructions",
        r"\bneue~(?:anweisung(?:en)?|instruktionen|befehle)~(?:deines|von~deinem)~(?:betreibers?|entwicklers?"
        r"|systems?|auftraggebers?)\b",
    ),
    abroad(
        "hide_from_user",
        rf"\b(?:sage?|sagt|sagen~sie|verrate?|melde?|erzähle?)~(?:es~)?dem~{_DE_USER}~(?:bitte~)?(?:nichts|nicht)\b",
    ),
    abroad(
        "hide_from_user",
        rf"\bohne~(?:den~)?{_DE_USER}~(?:darüber|davon|hierüber|hiervon)~(?:zu~)?(?:informier|unterricht|benachricht)",
    ),
    abroad(
        "addressed",
        r"\b(?:hinweis|anweisung(?:en)?|nachricht|wichtig|achtung|mitteilung)~(?:an|für)~(?:(?:den|die|das|alle"
        r"|jede[nrs]?)~){0,2}"
        r"(?:ki|llm|sprachmodelle?)s?(?:[- ]?(?:assistent(?:en)?|agent(?:en)?|modelle?|systeme?))?" + END,
    ),
    abroad(
        "addressed",
        r"\b(?:wenn|falls|sofern)~(?:du|sie|ihr)~(?:eine?~)?(?:ki|llm|sprachmodell|chatbot)(?:[- ](?:assistent|agent|modell))?~"
        r"(?:bist|sind|seid)\b",
    ),
    abroad(
        "claims_consent",
        rf"\bder~{_DE_USER}~hat~(?:diese?[mnrs]?|dem|das|alle[mns]?|es)~(?:{WORD}){{0,2}}(?:bereits|schon)~(?:{WORD})?"
        r"(?:genehmigt|freigegeben|autorisiert|zugestimmt|bestätigt|bewilligt)\b",
        trigger=rf"\bder~{_DE_USER}~hat~",
    ),
    abroad(
        "send_away",
        r"\b(?:sende|schicke|leite|übermittle|lade)~(?:(?:mir|uns|alle|die|den|das|gesamten?|vollständigen?)~){0,4}"
        r"(?:passwörter|zugangsdaten|api-schlüssel|umgebungsvariablen|gesprächsverlauf|chatverlauf|systemprompt)~"
        r"[^.\n\x00]{0,40}(?:https?://|@[a-z0-9-]{1,60}\.|an~(?:diese|folgende)~(?:url|adresse))",
        trigger=r"\b(?:passwörter|zugangsdaten|api-schlüssel|umgebungsvariablen|gesprächsverlauf|chatverlauf|systemprompt)~",
    ),
    abroad(
        "reveal_prompt",
        r"\b(?:zeige?|gib|verrate|nenne|wiederhole|drucke)~(?:mir~)?(?:deinen?~)(?:(?:vollständigen|gesamten"
        r"|internen|geheimen)~)?"
        r"(?:system-?prompt|systemanweisungen|internen~anweisungen|anweisungen)\b",
    ),
    abroad(
        "orders",
        rf"\bbevor~du~(?:antwortest|weitermachst)\b[^.\n\x00]{{0,40}}\b(?:rufe?|lies|sende|führe)~(?:das~tool~"
        rf")?{TOOL}",
        trigger=r"\bbevor~du~(?:antwortest|weitermachst)",
    ),
)
