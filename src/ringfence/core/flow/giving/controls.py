"""What people say for the common values of arguments that control: states, priorities, roles, schedules. Data and predicates.

A small table, and plain inflection. A word that is not here has to be said as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ringfence.core.definitions.wording import word_set

_GROUPS: Final = """
urgent: urgent, urgently, dringend, urgente, eilig, urgence, urgentemente
high: high, urgent, urgently, important, hoch, hohe, hoher, dringend, alta, haute, \u00e9lev\u00e9e, prioritaire, urgentes,
  wichtig
critical: critical, kritisch, critique, cr\u00edtico
normal: normal, standard, default, normale, regular
medium: medium, normal, mittel, media, moyenne
low: low, minor, niedrig, gering, baja, basse, niedrige, niedriger, faible, bajo
closed: close, closed, closing, schlie\u00dfen, schlie\u00dfe, geschlossen, fermer, ferm\u00e9, cerrar, cerrado, cierra,
  solved, resolve, resolved, done, shut, zumachen, mach ... zu, schlie\u00df, abschlie\u00dfen, ferme, ferm\u00e9e,
  cl\u00f4turer, cl\u00f4ture, cierre, cerrada
resolved: resolve, resolved, solved, fixed, gel\u00f6st, resuelto, r\u00e9solu, solve, closed, close, l\u00f6sen, erledigt,
  r\u00e9soudre, r\u00e9solue, resolver, resuelve, resuelta
done: done, complete, completed, finished, erledigt, fertig, fini, hecho, erledige, termin\u00e9, termin\u00e9e, terminado,
  hecha
completed: complete, completed, done, finished, erledigt, abgeschlossen, fertig, termin\u00e9, completado, completada
open: open, reopen, reopened, \u00f6ffnen, offen, ouvrir, abrir, abierto, wieder \u00f6ffnen, wiederer\u00f6ffnen,
  \u00f6ffne, rouvrir, rouvre, ouvre, reabrir, reabre, abre
reopened: reopen, reopened, open again, wieder \u00f6ffnen, wiederer\u00f6ffnen, rouvrir, rouvre, reabrir, reabre
in progress: in progress, started, in arbeit, working on, begonnen, in bearbeitung, en cours, en curso
approved: approve, approved, genehmigen, genehmigt, genehmige, approuver, approuve, aprobar, aprueba
approve: approve, approved, genehmigen, genehmige, approuver, aprobar
rejected: reject, rejected, decline, declined, refuse, ablehnen, abgelehnt, lehne, refuser, rechazar, rechaza, turn down,
  turned down, zur\u00fcckweisen, weise ... zur\u00fcck, lehn ... ab, refus\u00e9, rejeter, rejette, rechazado, rechazada,
  rechace
reject: reject, rejected, decline, ablehnen, lehne, refuser, rechazar, refuse, declined, turn down, zur\u00fcckweisen,
  weise ... zur\u00fcck, abgelehnt, lehn ... ab, rejeter, rejette, rechazado, rechace
accepted: accept, accepted, annehmen, angenommen, nimm ... an, nehme ... an, akzeptieren, akzeptiere, zusagen, zugesagt,
  sag ... zu, sage ... zu, accepter, accepte, accept\u00e9, aceptar, acepta, aceptado
accept: accept, accepted, annehmen, nimm ... an, akzeptieren, akzeptiere, zusagen, sag ... zu, sage ... zu, accepter,
  accepte, aceptar, acepta
declined: decline, declined, reject, rejected, cancel, turn down, turn ... down, absagen, abgesagt, sag ... ab,
  sage ... ab, ablehnen, lehne ... ab, lehn ... ab, abgelehnt, d\u00e9cliner, d\u00e9cline, refuser, refuse, rechazar,
  rechaza, declinar
solved: solve, solved, resolved, resolve, fixed, gel\u00f6st, r\u00e9solu, resuelto
suspended: suspend, suspended, pause, paused, gesperrt, sperre, suspendre, suspendu, suspender
squash: squash, squashed, squashing
request changes: request changes, changes requested, ask for changes
cancelled: cancel, cancelled, canceled, cancellation, stornieren, storniere, storniert, absagen, annuler, cancelar,
  cancela, decline, declined, call off, called off, call ... off, sag ... ab, sage ... ab, abgesagt, annule, annul\u00e9,
  annul\u00e9e, cancele, cancelado, cancelada
paused: pause, paused, suspend, hold, put on hold, pausieren, on hold, put ... on hold, anhalten, halte ... an, pausiere,
  pausiert, mettre en pause, mets ... en pause, pausar, pausa
on hold: hold, on hold, put on hold, pause, put ... on hold, paused, suspend, pausieren, pausiere, zur\u00fcckstellen,
  en attente, en pause, en espera
active: active, activate, activated, enable, enabled, aktivieren, aktiv, aktiviere, activer, actif, activar, activo, activa
enabled: enable, enabled, activate, turn on, switch on, aktivieren, einschalten, turn ... on, switch ... on, aktiviere,
  aktiviert, schalte ... ein, schalt ... ein, activer, active, activar, activado
disabled: disable, disabled, deactivate, turn off, switch off, deaktivieren, abschalten, turn ... off, switch ... off,
  deaktiviere, deaktiviert, schalte ... ab, schalte ... aus, schalt ... aus, d\u00e9sactiver, d\u00e9sactive, desactivar,
  desactiva
inactive: inactive, deactivate, deactivated, disable
archived: archive, archived, archivieren, archiviert, archiviere, archiver, archivar, archiva
blocked: block, blocked, sperren, gesperrt, sperre, bloquer, bloquear, sperr, bloque, bloqu\u00e9, bloquea, bloqueado
locked: lock, locked, sperren, sperre, gesperrt, verriegeln, verrouiller, bloquear
isolated: isolate, isolated, quarantine, contain
quarantined: quarantine, quarantined, isolate
read: read, read-only, readonly, read only, view, viewer, reader, lesen, lesend, leserechte, lesezugriff, lecture,
  lecture seule, lectura, solo lectura
read only: read-only, readonly, read only, viewer, view-only, view only
reader: reader, viewer, read, read-only, read only
viewer: viewer, view, read-only, readonly, read only, read access, view-only, view only, leserechte, lecteur, lector,
  lesezugriff, read, lecture seule, solo lectura
commenter: commenter, comment, comments
editor: editor, edit, edit access, write access, bearbeiten, schreibrechte, schreibzugriff
write: write, edit, write access, schreiben, schreibrechte
writer: writer, write, edit, write access
admin: admin, administrator, administrators
administrator: admin, administrator
owner: owner, ownership
member: member, members, join
private: private, privately, privat, priv\u00e9, privado
public: public, publicly, publish, published, \u00f6ffentlich, p\u00fablico
internal: internal, internally, intern
daily: daily, every day, each day, t\u00e4glich, quotidien, diario, tous les jours, chaque jour, cada d\u00eda,
  todos los d\u00edas, jeden tag
weekly: weekly, every week, each week, w\u00f6chentlich, hebdomadaire, semanal, jede woche, chaque semaine, cada semana
monthly: monthly, every month, each month, monatlich, mensuel, mensual, jeden monat, chaque mois, cada mes
yearly: yearly, annual, annually, every year, j\u00e4hrlich
hourly: hourly, every hour, st\u00fcndlich
weekdays: weekdays, every weekday, workdays, werktags
billable: billable
confidential: confidential, vertraulich
all day: all day, all-day, whole day, ganzt\u00e4gig
bug: bug, defect, fehler
production: production, prod, produktion
prod: production, prod
staging: staging
development: development, dev
dev: development, dev
"""
"""Value: what people say for it. `...` stands for some words of the same sentence, as between the parts of a German verb."""
_PROTECTING: Final = word_set(
    """
    private confidential internal confirm confirmation verify verified validate secure encrypted encryption ssl
    tls readonly protected protect restricted restrict mfa locked lock safe sandbox sandboxed enabled enable
    active approval audit signed masked redact
    """
)
_GUARDING: Final = _PROTECTING | word_set(
    """
    protection require required requires requiring enforce enforced enforcement auth authenticate authenticated
    authentication authorization login signature sign strict backup backups versioning block blocked blocking deny logging
    monitor monitoring alerts alarm alarms 2fa two factor otp totp captcha moderation moderated sanitize sanitise escape
    quarantine quarantined review reviews reviewed check checks retention retain firewall
    """
)
"""Switched off, these take something away that protects."""
_AGAINST: Final = word_set("disable disabled skip ignore bypass no without insecure unsafe")
"""Switched off, these leave it."""
_SAFER: Final = _PROTECTING - {"enabled", "enable", "active", "approval", "confirm", "confirmation", "verified"} | {
    "dry",
    "draft",
}
_BESIDE: Final = word_set(
    """
    run mode options option settings setting config flags secrets secret data message post comment note notes event document
    file folder page link connection channel repository repo
    """
)
"""What may stand beside them. With any other word the name may say the contrary: `skip_verify`, `export_private`."""
_OPPOSITES: Final = {
    "enabled": "disabled", "enable": "disabled", "active": "inactive", "private": "public", "locked": "open", "draft": "public",
}  # fmt: skip
_IDLE: Final = word_set("is be the a an of to should will use set do make as in on for with and or flag only")
_SEPARATORS: Final = re.compile(r"[\s_\-]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _read_groups() -> dict[str, tuple[str, ...]]:
    lines = (line.partition(":") for line in _GROUPS.strip().replace(",\n  ", ", ").splitlines())
    return {head: tuple(word.strip() for word in said.split(",")) for head, _, said in lines}


_SAID: Final = _read_groups()


@lru_cache(maxsize=1024)
def said_for(value: str) -> tuple[str, ...]:
    """The words and phrases, folded, one of which people have to say for a value of a control."""
    plain = " ".join(_SEPARATORS.split(_CAMEL.sub(" ", value).strip())).lower()
    if not plain:
        return ()
    return tuple(dict.fromkeys((value.lower(), plain, *_SAID.get(plain, ()), *_inflected(plain))))


def _inflected(word: str) -> tuple[str, ...]:
    if not (word.isascii() and word.isalpha() and len(word) > 2):
        return ()
    stem = word
    if word.endswith("e"):
        stem = word[:-1]
        return (f"{word}d", f"{word}s", f"{stem}ing")
    if word.endswith("ed") and len(word) > 4:
        base = word[:-2]
        doubled = base[:-1] if len(base) > 3 and base[-1] == base[-2] else base
        return (base, f"{base}e", f"{base}s", f"{base}es", f"{base}ing", doubled, f"{doubled}ing")
    if word.endswith("y"):
        return (f"{word[:-1]}ied", f"{word[:-1]}ies", f"{word}ing")
    return (f"{word}s", f"{word}es", f"{word}ed", f"{word}ing", f"{word}{word[-1]}ed", f"{word}{word[-1]}ing", f"{word}ly")


def is_harmless_off(name: tuple[str, ...]) -> bool:
    """Whether `false` for an argument of this name takes nothing away that protects."""
    return not _GUARDING & set(name) or bool(_AGAINST & set(name))


def is_harmless_on(name: tuple[str, ...]) -> bool:
    """Whether `true` for an argument of this name only makes it safer."""
    named = set(name)
    return (bool(_SAFER & named) and named <= _SAFER | _IDLE | _BESIDE) or named == {"read", "only"}


def said_for_switch(name: tuple[str, ...], *, on: bool) -> tuple[tuple[str, ...], ...]:
    """Phrases of which people have to say one out of every group, where an argument is switched on, or a protecting one off."""
    words = [word for word in name if word not in _IDLE]
    if on:
        return tuple(said_for(word) for word in words)
    return tuple((*said_for(_OPPOSITES.get(word, f"not {word}")), f"no {word}", f"without {word}") for word in words)
