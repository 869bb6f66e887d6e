"""Text that speaks to a model as its master would, in French."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule
from ringfence.core.scan.spelling import END, TOOL, abroad

_FR_USER: Final = r"l'(?:~)?utilisateur"

FRENCH_RULES: Final[tuple[Rule, ...]] = (
    abroad(
        "ignore_own",
        r"\b(?:ignore[zr]?|oublie[zr]?|contourne[zr]?|désactive[zr]?)~(?:toutes~)?(?:tes|vos)~(?:propres~)?"
        r"(?:règles|consignes|directives|restrictions|instructions|garde-fous)\b",
    ),
    abroad(
        "new_role",
        r"\b(?:tu~es|vous~êtes)~(?:maintenant|désormais)~(?:en~mode~(?:développeur|debug|administrateur|sans~restrictions?)"
        r"|une?~(?:ia|assistant|modèle|agent)~(?:sans~(?:restrictions?|limites?|filtres?)|libre|non~censuré))",
    ),
    abroad(
        "new_role",
        r"\b(?:désormais|à~partir~de~maintenant)~(?:tu~(?:dois|vas)|vous~(?:devez|allez))~(?:m'(?:~)?)?(?:obéir"
        r"|ignorer|agir~comme)\b",
    ),
    abroad("new_instructions", r"\b(?:voici~)?(?:tes|vos)~nouvelles~(?:instructions|directives)(?:~)?(?::|~sont\b)"),
    abroad("new_instructions", r"\bta~(?:véritable|vraie)~(?:tâche|mission)~est\b"),
    abroad(
        "new_instructions",
        r"\bnouvelles~(?:instructions|consignes)~de~(?:ton|votre)~(?:opérateur|développeur|créateur|système)\b",
    ),
    abroad(
        "hide_from_user",
        r"\bne~(?:(?:le|lui|en)~|l'(?:~)?)?(?:dis|dites|parle[zr]?|mentionne[zr]?|signale[zr]?|révèle[zr]?)~"
        r"(?:(?:pas|jamais|rien|cela|ceci|ça|en)~)"
        r"{0,3}à~" + _FR_USER,
    ),
    abroad("hide_from_user", r"\bsans~en~(?:informer|avertir|parler~à)~" + _FR_USER),
    abroad("hide_from_user", r"\bsans~(?:informer|avertir|prévenir)~" + _FR_USER + r"~de~(?:cela|ceci|cette)\b"),
    abroad(
        "addressed",
        r"\b(?:note|message|attention|important|instructions?|consignes?)~(?:(?:à|aux?|pour)~)(?:(?:les|tous"
        r"|toutes|toute|tout|l')(?:~)?){0,2}"
        r"(?:ia|llm|modèles?~de~langage|assistants?~ia|agents?~ia)" + END,
    ),
    abroad(
        "addressed",
        r"\bsi~(?:tu~es|vous~êtes)~(?:une?~)?(?:ia|llm|modèle~de~langage|intelligence~artificielle|(?:assistant"
        r"|agent)~ia|chatbot)\b",
    ),
    abroad(
        "claims_consent",
        r"\bl'(?:~)?utilisateur~a~déjà~(?:approuvé|autorisé|validé|confirmé|accepté)~(?:cette|cet?|ces|toutes?"
        r"|tous|cela|ceci)\b",
    ),
    abroad(
        "send_away",
        r"\b(?:envoie[zr]?|transmet(?:s|tez|tre)|transfère[zr]?)~(?:(?:moi|nous|tous|toutes|les|le|l')(?:~)?){0,3}"
        r"(?:mots~de~passe|identifiants|clés~(?:api|ssh|privées)|variables~d'(?:~)?environnement|historique~de~"
        r"(?:la~)?conversation|prompt~système)~"
        r"[^.\n\x00]{0,40}(?:https?://|@[a-z0-9-]{1,60}\.|à~(?:cette|l')(?:~)?(?:url|adresse))",
        trigger=r"\b(?:mots~de~passe|identifiants|clés~(?:api|ssh|privées)|variables~d'(?:~)?environnement"
        r"|historique~de|prompt~système)",
    ),
    abroad(
        "reveal_prompt",
        r"\b(?:révèle[zr]?|affiche[zr]?|montre[zr]?|répète[zr]?)~(?:moi~)?(?:ton|votre|tes|vos)~"
        r"(?:prompt(?:~système)?|instructions~(?:système|internes|initiales|cachées))\b",
    ),
    abroad(
        "orders",
        rf"\bavant~de~(?:répondre|continuer)\b[^.\n\x00]{{0,40}}\b(?:appelle[zr]?|exécute[zr]?|envoie[zr]?"
        rf"|lis(?:ez)?)~(?:l'outil~)?{TOOL}",
        trigger=r"\bavant~de~(?:répondre|continuer)",
    ),
)
