"""`if:` of a conditional profile: `ARGUMENT OP LITERAL [and ...]`, and nothing else.

condition  = comparison *( "and" comparison )
comparison = argument op literal
argument   = name / JSON pointer (RFC 6901), e.g. `amount` or `/card/country`
op         = "==" / "!=" / "<=" / "<" / ">=" / ">" / "in"
literal    = number / 'text' / true / false / "[" literal *( "," literal ) "]"     (a list only after `in`)
"""

from __future__ import annotations

import re

from ringfence.app.config.scalars import as_number
from ringfence.core.model.condition import Condition, Operation

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<pointer>/[^\s'"\[\],<>=!]*)|(?P<text>'[^']*')|(?P<op>==|!=|<=|>=|<|>)|(?P<list>[\[\],])"""
    r"""|(?P<number>-?[0-9][0-9A-Za-z_.+]*)|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"""
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_ORDERED = frozenset({Operation.LT, Operation.LE, Operation.GT, Operation.GE})
_KEYWORDS = frozenset({"and", "in", "true", "false", "or", "not"})
_MOST_CONDITIONS = 20

Literal = str | int | float | bool


class ConditionFault(Exception):
    """What is wrong with a condition, and how many characters into it."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """The comparisons of one `if:`. Raises: ConditionFault."""
    parser = _Parser(text)
    conditions = [parser.comparison()]
    while parser.kind:
        if parser.value != "and":
            raise parser.fault("expected `and` or the end")
        parser.advance()
        conditions.append(parser.comparison())
        if len(conditions) > _MOST_CONDITIONS:
            raise parser.fault(f"expected at most {_MOST_CONDITIONS} comparisons")
    return tuple(conditions)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self.advance()

    def advance(self) -> None:
        """Move to the next token; `kind` is empty at the end."""
        while True:
            self.offset = self.end
            if self.offset == len(self.text):
                self.kind, self.value = "", ""
                return
            match = _TOKEN.match(self.text, self.offset)
            if match is None:
                what = "text without its closing quote" if self.text[self.offset] == "'" else f"`{self.text[self.offset]}`"
                raise ConditionFault(self.offset, f"unexpected {what}")
            self.end = match.end()
            if match.lastgroup != "space":
                self.kind, self.value = str(match.lastgroup), match[0]
                return

    def fault(self, message: str) -> ConditionFault:
        return ConditionFault(self.offset, f"{message}, found " + (f"`{self.value}`" if self.kind else "the end"))

    def comparison(self) -> Condition:
        pointer = self.argument()
        operation = self.operation()
        at = self.offset
        if operation is Operation.IN:
            return Condition(pointer, operation, self.choices())
        literal = self.literal()
        if operation in _ORDERED and (isinstance(literal, bool | str)):
            raise ConditionFault(at, f"`{operation.value}` compares numbers")
        return Condition(pointer, operation, literal)

    def argument(self) -> str:
        if self.kind == "pointer" and _POINTER.fullmatch(self.value):
            pointer = self.value
        elif self.kind == "word" and self.value not in _KEYWORDS:
            pointer = f"/{self.value}"
        else:
            raise self.fault("expected an argument's name or a JSON pointer")
        self.advance()
        return pointer

    def operation(self) -> Operation:
        if self.kind == "op" or self.value == "in":
            operation = Operation(self.value)
            self.advance()
            return operation
        raise self.fault("expected one of == != <= < >= > in")

    def choices(self) -> tuple[Literal, ...]:
        self.take("[", "expected a list such as ['a', 'b']")
        found = [self.literal()]
        while not self.at("]"):
            self.take(",", "expected `,` or `]`")
            found.append(self.literal())
        self.advance()
        return tuple(found)

    def at(self, mark: str) -> bool:
        return self.kind == "list" and self.value == mark

    def take(self, mark: str, expected: str) -> None:
        if not self.at(mark):
            raise self.fault(expected)
        self.advance()

    def literal(self) -> Literal:
        value: Literal
        if self.kind == "text":
            value = self.value[1:-1]
        elif self.kind == "number" and (number := as_number(self.value)) is not None:
            value = number
        elif self.kind == "word" and self.value in ("true", "false"):
            value = self.value == "true"
        else:
            raise self.fault("expected a number, 'text', true or false")
        self.advance()
        return value
