"""Words are what bash makes of them, or they are said not to be known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.shell_kit import HOME, named, read

KNOWN = r"""
abc
'a b'
"a b"
a\ b
a'b'"c"d
''
""
a""b
$'a\tb'
$'\x41\102\u0041'
$'it\'s'
$'a\0b'c
$"text"
\a\b
"a\b\$\"\\"
'a\b'
a\
b
"a\
b"
{a,b}
x{a,b}y
{a,b}{1,2}
{1..4}
{4..1}
{1..10..3}
{01..03}
{a..e}
{a..e..2}
{-2..2}
{a}
{}
{a,b
a,b}
{a,{b,c}}
{a{b,c}}
{,x}
"{a,b}"
{a,'b c'}
{a\,b,c}
{a,b}.{c,d}
x{1..2}{a,b}
~
~/x
"~"
'~'/x
a~
\~
~/"a b"
$HOME
"$HOME/x"
${HOME}
$X
"$X"
$X$X
a$X
${X}b
"${X}b"
$S
"$S"
a${S}b
$E
"$E"
a$E
$E$E
${X:-d}
${E:-d}
${E-d}
"${E:-d e}"
${X:+y}
${E:+y}
${E+y}
${X:1}
${X:0:2}
${X#o}
${X%e}
${X%zz}
$((1+2))
$((2*3-1))
$(( (1+2)*3 ))
$((-5))
"$(echo hi)"
$(echo a b)
"$(echo a b)"
`echo x`
"`echo x y`"
$(printf '%s-%s' a b)
$(printf 'a\n\n')
"$(printf 'a\nb')"
$(echo -n q)
$(echo -e 'a\tb')
"$(cat <<'Q'
it is $X
Q
)"
"$(cat <<Q
it is $X
Q
)"
${A[0]}
${A[1]}
"${A[@]}"
${A[@]}
x"${A[@]}"y
"$@"
$1
"$2"
$3
$#
"a$1"
$I
"$I"
:$I:
a=$X
--flag="$S"
=
%s
!
a#b
#
""''
$'\e'
a$
"a$"
\\
'\'
\'
\"
"'"
'"'
[
a[b
a]
-
--
""$E""
{$X,b}
{1..$X}
$PWD/x
${PWD}
~+/x
$N
"$N"
x${P}y
${P}
$Z
${Z}x
$Q
"""
SETUP = (
    "X=one; S='a b  c'; E=; A=(x 'y z'); set -- p 'q r'; I=' lead trail '; N=$'l1\\nl2'; P='a:b'; "
    'Z="$X$S"; Q=$(echo deep); unset U; '
)
UNSURE = [
    "$'\\u00e9'",
    "$U",
    "${U}",
    "${#X}",
    "${X/o/0}",
    "${X^^}",
    "${!X}",
    "$?",
    "$RANDOM",
    "$(date)",
    "${X@Q}",
    "~root",
    "$UNSET_ANYWHERE",
    "${A[X]}",
]


def words() -> list[str]:
    """Of the table. Lines that a quote or a here-document joins stand together."""
    made: list[str] = []
    waiting = ""
    for line in KNOWN.strip("\n").split("\n"):
        waiting = f"{waiting}\n{line}" if waiting else line
        if waiting.endswith("\\") and not waiting.endswith("\\\\"):
            continue
        if waiting.count("<<") and not waiting.endswith(')"'):
            continue
        made.append(waiting)
        waiting = ""
    return made


async def bash(text: str, folder: Path) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "--norc",
        "--noprofile",
        "-c",
        text,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"HOME": HOME, "PATH": "/usr/bin:/bin"},
    )
    out, _ = await process.communicate()
    return out.decode().split("\0")[:-1]


@pytest.mark.parametrize("word", [one for one in words() if one != "#"])
async def test_a_word_is_what_bash_makes_of_it(word: str, tmp_path: Path) -> None:
    reading = await read(f"{SETUP}\nprobe {word}")
    (command,) = named(reading, "probe")
    found = [one.text.replace("/srv/project", str(tmp_path)) for one in command.words[1:]]
    real = await bash(f'probe() {{ printf \'%s\\0\' "$#" "$@"; }}\n{SETUP}\nprobe {word}', tmp_path)
    assert all(one.is_known for one in command.words), word
    assert found == real[1:]


@pytest.mark.parametrize("word", UNSURE)
async def test_a_word_that_depends_on_what_nobody_knows_is_said_not_to_be_known(word: str) -> None:
    reading = await read(f"X=one; A=(x y)\nprobe {word}")
    (command,) = named(reading, "probe")
    assert not all(one.is_known for one in command.words)


@pytest.mark.parametrize("word", ["*", "a*", "?", "[ab]", "$G", ".e*", "{a,b}*", "~/*.py"])
async def test_a_pattern_is_kept_as_one(word: str) -> None:
    (command,) = named(await read(f"G='*.md'; probe {word}"), "probe")
    assert all(one.is_pattern for one in command.words[1:])


@pytest.mark.parametrize("word", ["'*'", r"\*", '"*"', '"$G"', "a[b", "[", "'[ab]'", "$'*'"])
async def test_what_is_quoted_is_no_pattern(word: str) -> None:
    (command,) = named(await read(f"G='*.md'; probe {word}"), "probe")
    assert not any(one.is_pattern for one in command.words)


async def test_a_quoted_star_beside_a_pattern_stands_for_itself() -> None:
    (command,) = named(await read("probe '*'a*"), "probe")
    assert command.words[1].text == "[*]a*"


async def test_an_unquoted_expansion_that_is_not_known_may_be_many_words() -> None:
    (command,) = named(await read('probe $A "$A" $? $(date)'), "probe")
    assert [one.may_split for one in command.words[1:]] == [True, False, False, True]


async def test_words_after_separators_of_ones_own_are_split_by_them() -> None:
    (command,) = named(await read("IFS=:; P=a:b; probe $P"), "probe")
    assert [one.text for one in command.words[1:]] == ["a", "b"]


async def test_separators_that_are_not_known_make_words_not_known() -> None:
    (command,) = named(await read("IFS=$(date); P=a; probe $P"), "probe")
    assert not command.words[1].is_known
