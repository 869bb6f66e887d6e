"""What the words of a tool's definition give away: verbs that change things, arguments that carry authority.

Word lists, and how names are split into words. Evidence for a proposal that a person reviews, never for a decision.
"""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """Words that are written with spaces between them."""
    return frozenset(text.split())


READING = word_set(
    """
    get list search read status describe show log diff find view count lookup blame reflog stat tree whoami inspect
    explain head tail exists info ls cat grep
    """
)
"""Words that a reading tool's name begins with."""

COMPUTING = word_set("convert calculate compute compare parse validate estimate echo preview")
"""Words that work on what they are given: reading where the server claims so too."""

DISPLAYED = word_set("notification dialog message alert toast popup prompt page window banner")
"""`show` one of these and somebody is told something."""

LOGGED = word_set("message entry text line data event level msg content")
"""A `log` that takes one of these writes it."""

LAST_ONLY = word_set("log status head info tree stat")
"""Reading only as the last word: `git_log` reads, `log_event` writes."""

MUTATING = word_set(
    """
    overwrite create add insert append put write save store upload import register init initialize update edit modify change set
    unset patch replace rename move mv copy cp fork delete remove rm drop clear clean purge prune erase wipe truncate
    destroy reset revert rollback restore undo redo archive unarchive trash empty flush evict expire send reply forward
    publish notify broadcast invite share unshare submit dispatch pay refund charge transfer withdraw deposit buy sell
    purchase checkout void cancel approve reject accept decline confirm close reopen resolve assign unassign merge rebase
    push pull clone stash cherry squash amend apply execute exec run eval invoke call trigger start stop restart kill
    terminate reboot shutdown deploy undeploy launch install uninstall enable disable toggle activate deactivate lock
    unlock grant revoke rotate promote demote ban block unblock mute subscribe unsubscribe follow unfollow mark unmark
    flag pin unpin tag untag label attach detach link unlink connect disconnect mount unmount schedule reschedule book
    reserve release claim pop enqueue dequeue acquire allocate generate sync migrate provision scale configure sign mint
    record ingest index reindex train open click type press navigate drag fill sudo chmod chown mkdir touch kick join
    leave vote like upsert commit ack acknowledge
    """
)
"""Words that change something wherever they stand in a name, except as the thing that is read (`NOUNS`)."""

NOUNS = word_set(
    """
    commit pull tag label release call run book index link record transfer charge refund share change import copy fork
    stash lock pin flag block deposit purchase archive schedule patch store set vote type merge forward sign
    """
)
"""Mutating words that are a thing directly after `get`, `list` and the like (`get_pull_request`, `list_tag`)."""

STATES = word_set("open close start stop archive empty mute block expire void cancel like")
"""Mutating words that, as one value of an argument, are more often a state to filter by."""

MONEY = word_set(
    """
    pay payment payments payout refund charge transfer withdraw deposit buy sell purchase order invoice billing bill
    subscription price amount money fund funds wire trade credit debit wallet iban salary payroll
    """
)
IDENTITY = word_set(
    """
    user users account accounts role roles permission permissions grant revoke password key keys token tokens credential
    credentials secret secrets login auth mfa otp session member members owner admin sudo chmod chown acl policy group
    invite signed
    """
)
OUTBOUND = word_set(
    """
    fetch http https web url urls uri browse browser crawl scrape download upload email mail sms send post tweet publish
    webhook callback notify slack internet online host hostname domain endpoint remote recipient recipients proxy dns ping
    """
)
SECRETS = word_set(
    """
    env environment environ secret secrets password passwords token tokens credential credentials apikey keychain keyring
    vault cookie cookies otp clipboard privatekey
    """
)
"""A tool that reads these may show a secret."""

CODE = word_set(
    """
    sql statement command cmd commands script code shell bash cypher graphql expression eval mutation program snippet
    powershell python javascript exec argv
    """
)
"""Arguments that are run: then the name says nothing about the effect."""

MODES = word_set("action operation op mode method verb subcommand")
"""Arguments that choose what the tool does."""

DESTINATIONS = word_set("destination dest output_path output_file out_file outfile save_path target_path")
"""Arguments that name where something is written."""

AUTHORITY = word_set(
    """
    recipient recipients to cc bcc email emails account iban url urls uri host hostname domain endpoint port path paths
    file files filename directory dir folder id ids amount price quantity currency role roles permission permissions scope
    scopes user username group owner repo repository branch remote ref revision target destination dest channel phone
    webhook callback command cmd script sql query code statement table bucket database namespace project number source org
    organization tenant region key force mode action
    """
)
"""Words of arguments that carry authority: who, where, how much, as what."""

OBJECTS = word_set(
    """
    id ids path paths file files filename directory repo repository branch table bucket key account email number object
    resource database channel issue ticket names name source destination project customer user username slug uuid sku
    """
)
"""Words of arguments that name what is touched."""

SECRET_ARGUMENTS = word_set(
    """
    password passwd passphrase secret token cvv cvc otp pin ssn credential credentials authorization cookie
    """
)

_SECRET_TALK = re.compile(
    r"\b(?:environment variables?|env vars?|credentials?|secrets?|passwords?|api keys?|private keys?|access tokens?)\b",
    re.IGNORECASE,
)
_CLAIMS = re.compile(
    r"\b(deletes|removes|creates|sends|writes|modifies|overwrites|inserts|purges|emails|executes|deploys|publishes|transfers"
    r"|refunds|revokes|grants|cancels|updates|drops|erases|submits|marks|resets|mutates|approves|rejects|charges|pays|triggers)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:never|not|nor|without|no longer|cannot|nothing|neither)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)


def words(name: str) -> tuple[str, ...]:
    """A name in lower-case words: `getFileInfo`, `get-file_info` and `GET.file.info` give the same three."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(part.lower() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part)


def talks_of_secrets(text: str) -> bool:
    """Whether a description speaks of credentials or of an environment, where they are kept."""
    return bool(_SECRET_TALK.search(text[:4000]))


def claimed_changes(text: str) -> str:
    """The first word of a description that says that something changes, or nothing. Only ever raises a class."""
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", text[:4000]):
        first = words(sentence[:80])[:1]
        if first and first[0] in MUTATING and first[0] not in ("open", "call", "run", "set", "index", "record", "type", "link"):
            return first[0]
        for match in _CLAIMS.finditer(sentence):
            if not _DENIED.search(sentence[: match.start()]):
                return match[0].lower()
    return ""
