"""Text that speaks to a model as its master would, in Spanish."""

from __future__ import annotations

from typing import Final

from ringfence.core.scan.rule import Rule
from ringfence.core.scan.spelling import END, TOOL, abroad

SPANISH_RULES: Final[tuple[Rule, ...]] = (
    abroad(
        "ignore_own",
        r"\b(?:ignora|ignore|olvida|olvide|elude|desactiva)~(?:todas~)?(?:tus|sus)~(?:propias~)?"
        r"(?:reglas|restricciones|directrices|instrucciones|salvaguardas)\b",
    ),
    abroad(
        "new_role",
        r"\b(?:ahora|desde~ahora|a~partir~de~ahora)~(?:eres|actúas~como|estás)~(?:(?:una?~)?(?:ia|asistente|modelo|agente)~"
        r"(?:sin~(?:restricciones|límites|filtros|censura)|libre)|en~modo~(?:desarrollador|administrador|dios"
        r"|depuración)|dan\b)",
    ),
    abroad("new_instructions", r"\b(?:tus|sus)~nuevas~(?:instrucciones|órdenes|directrices)(?:~)?(?::|~son\b)"),
    abroad("new_instructions", r"\btu~verdader[ao]~(?:tarea|misión|objetivo)~es\b"),
    abroad("new_instructions", r"\bnuevas~(?:instrucciones|órdenes)~de~(?:tu|su)~(?:operador|desarrollador|creador|sistema)\b"),
    abroad(
        "hide_from_user",
        r"\bno~(?:se~lo~|le~)?(?:digas?|cuentes?|menciones?|reveles?)~(?:(?:nada|esto|eso|de~esto)~){0,2}al~usuario\b",
    ),
    abroad(
        "hide_from_user",
        r"\bsin~(?:informar|avisar|decir)~(?:de~)?(?:esto|ello|eso|nada)~al~usuario\b|\bsin~decírselo~al~usuario\b",
    ),
    abroad(
        "addressed",
        r"\b(?:nota|mensaje|atención|importante|instrucciones|aviso)~(?:para|a)~(?:(?:los|las|todos|todas|el|la"
        r"|cualquier)~){0,2}"
        r"(?:ia|llm|modelos?~de~lenguaje|asistentes?~(?:de~)?ia|agentes?~(?:de~)?ia)" + END,
    ),
    abroad(
        "addressed",
        r"\bsi~(?:eres|usted~es)~(?:una?~)?(?:ia|llm|modelo~de~lenguaje|inteligencia~artificial|(?:asistente"
        r"|agente)~de~ia|chatbot)\b",
    ),
    abroad(
        "claims_consent",
        r"\bel~usuario~ya~(?:lo~)?(?:ha~)?(?:aprobado|aprobó|autorizado|autorizó|confirmado|confirmó|aceptado|aceptó)~"
        r"(?:est[aeo]s?|tod[ao]s?|la~(?:transferencia|operación))\b",
    ),
    abroad(
        "send_away",
        r"\b(?:envía(?:me|nos)?|envíe|reenvía|manda)~(?:(?:todas?|todos|las|los|el|la)~){0,3}"
        r"(?:contraseñas|credenciales|claves~(?:api|ssh|privadas)|variables~de~entorno|historial~de~(?:la~)?conversación)~"
        r"[^.\n\x00]{0,40}(?:https?://|@[a-z0-9-]{1,60}\.|a~(?:esta|la~siguiente)~(?:url|dirección))",
        trigger=r"\b(?:contraseñas|credenciales|claves~(?:api|ssh|privadas)|variables~de~entorno|historial~de)~",
    ),
    abroad(
        "reveal_prompt",
        r"\b(?:revela|muestra|repite|imprime)(?:me)?~(?:tu|tus)~(?:prompt(?:~del~sistema)?|instrucciones~(?:del~"
        r"sistema|internas|iniciales|ocultas))\b",
    ),
    abroad(
        "orders",
        rf"\bantes~de~(?:responder|contestar|continuar)\b[^.\n\x00]{{0,40}}\b(?:llama~a|ejecuta|envía|lee)~"
        rf"(?:la~herramienta~)?{TOOL}",
        trigger=r"\bantes~de~(?:responder|contestar|continuar)",
    ),
)
