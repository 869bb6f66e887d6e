"""Which words that hold dots are plausibly names of hosts, where nothing around them says so. Data and a predicate.

A guess by the last label, since a public suffix list of ten thousand lines would make a host of every second method call. What
stands after `//` or `@`, or before a path, is not left to this guess.
"""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.definitions.wording import word_set

COUNTRIES: Final = word_set(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf "
    "cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg "
    "gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn "
    "kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na "
    "nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh "
    "si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc "
    "ve vg vi vn vu wf ws ye yt za zm zw"
)
"""ISO 3166 as the root zone has it."""
GENERIC: Final = word_set(
    "com net org edu gov mil int arpa biz info mobi aero asia coop jobs museum travel tel app dev cloud page xyz top site "
    "online store shop tech club live pro world space website fun icu vip win today agency digital email network systems "
    "services solutions support software studio design group zone click link wiki media chat blog news host work life team "
    "company center global ltd llc bank finance money exchange ninja rocks monster buzz sbs cfd bond quest lol onion "
    "example test invalid localhost local internal intranet lan corp home"
)
"""Those that are used most, by honest and by other people, and the names that are kept for special use (RFC 6761, RFC 9476)."""
ABROAD: Final = word_set(
    "рф рус укр бел срб мкд бг ею орг сайт онлайн дети москва қаз 中国 中國 公司 "
    "网络 网址 在线 网站 香港 台湾 台灣 新加坡 한국 भारत ไทย みんな امارات السعودية مصر ایران "
    "المغرب الجزائر شبكة موقع ελ ευ հայ გე ישראל"
)
"""Those that are written in other letters."""
FILES: Final = word_set("py rs sh md so ps cc tf ml mk pm mm la am ac st bz")
"""Countries that end the names of files more often than those of hosts."""
_ALSO_WORDS: Final = word_set(
    "id is it in to at by do no my me be as am us re so int info post app test live group work click link page host top fun "
    "win email pro store support design local internal team life home world space media"
)
"""In programs also the name of what is called: `log.info(`, `model.to(`."""
_NOT_HOSTS: Final = word_set(
    "asp.net ado.net vb.net java.io system.io o.id u.id t.id c.id p.id e.id i.id r.id s.id a.id b.id x.id user.id users.id "
    "order.id orders.id item.id self.id this.id req.id row.id"
)
_REVERSED: Final = word_set("com org net io edu gov android androidx java javax jakarta")
_LONG_LABEL: Final = 24
_MANY_LABELS: Final = 4
_OF_PACKAGES: Final = re.compile(r"[a-z]{1,20}")
_PATH_FILES: Final = FILES | word_set(
    "git framework bundle xcodeproj xcassets egg-info dist-info app jar war zip tar gz tgz whl d js ts jsx tsx mjs cjs css "
    "html htm json yaml yml toml xml txt csv log conf cfg ini java go rb php cpp hpp pdf png jpg jpeg gif svg lock old bak "
    "orig tmp"
)


def is_plausible(labels: list[str], *, follows_value: bool, is_called: bool) -> bool:
    """Whether these labels, in lower case, are a host's name by themselves.

    `follows_value`: something else is put before them, as in `$(id).host.example`. `is_called`: a bracket follows, as in
    `log.info(`.
    """
    last = labels[-1]
    if last.startswith("xn--") or last in ABROAD:
        return True
    if last in FILES:
        return follows_value or len(labels) >= _MANY_LABELS or any(len(label) >= _LONG_LABEL for label in labels[:-1])
    if last not in COUNTRIES and last not in GENERIC:
        return False
    if is_called and last in _ALSO_WORDS:
        return False
    if len(labels) == 2 and not follows_value:
        return f"{labels[0]}.{last}" not in _NOT_HOSTS
    return not _is_package(labels)


def is_before_path(labels: list[str]) -> bool:
    """Whether they are a host where a path follows: whatever the last label, unless it ends the name of a file or folder."""
    last = labels[-1]
    return len(last) > 1 and last.isalpha() and last not in _PATH_FILES


def is_file(labels: list[str]) -> bool:
    """Whether they read as the name of a file rather than of a host: `deploy.sh`, `notes.zip`."""
    return labels[-1] in _PATH_FILES and not is_plausible(labels, follows_value=False, is_called=False)


def _is_package(labels: list[str]) -> bool:
    """`com.maker.app`: a host's name backwards, whose last label only happens to be a suffix."""
    return (
        labels[0] in _REVERSED
        and labels[-1] in GENERIC - {"com", "net", "org", "example"}
        and all(_OF_PACKAGES.fullmatch(label) for label in labels)
    )
