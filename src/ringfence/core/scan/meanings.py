"""What each rule for text that addresses a model means, in a sentence for people who read the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[str, str]] = {
    "ignore_previous": "The model is told to set aside what it was told before.",
    "ignore_own": "The model is told to set aside its own rules.",
    "new_role": "The model is told that it is somebody else now, or free of its limits.",
    "new_instructions": "Instructions are announced in the name of whoever runs the model.",
    "hide_from_user": "The model is told to keep something from its user.",
    "addressed": "The text addresses a model, not a person.",
    "claims_consent": "The text claims that somebody has agreed already, so that nobody need be asked.",
    "send_away": "The model is told to send secrets or the conversation somewhere.",
    "reveal_prompt": "The model is told to repeat its instructions.",
    "orders": "The model is told to call a tool at once, or before it answers.",
    "fake_turn": "The text poses as a turn of the conversation, or as the end of what a tool returned.",
    "fake_tag": "The text poses as a notice of the system around the model, or as a consent.",
    "fake_call": "The text poses as a call of a tool or as its result.",
    "exfil_link": "A link or an image has a place for data that the model is to fill in.",
    "encoded_orders": "Base64 or hex that holds one of these phrases.",
    "encoded_link": "Base64 or hex that holds a URL.",
    "lookalike_letters": "One of these phrases, in letters of other scripts that look the same.",
    "hidden_tags": "Tag characters, which a model reads and a person does not see.",
    "hidden_bidi": "Signs that turn the direction of writing, so that a person reads something else.",
    "hidden_zero_width": "Characters without width in an amount that carries a message.",
    "hidden_selectors": "Variation selectors in an amount that carries a message.",
    "hidden_terminal": "A terminal would not show this text.",
}
"""By the id of a rule."""
