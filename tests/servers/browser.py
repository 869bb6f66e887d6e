"""A browser without a screen: cookies by host, path and SameSite, and who sent it where."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit

import aiohttp


@dataclass(frozen=True)
class Page:
    """What came back."""

    url: str
    status: int
    text: str
    location: str
    set_cookies: tuple[str, ...]


@dataclass
class Browser:
    """One person's. A site is a port here, so that everything on loopback is not one."""

    client: aiohttp.ClientSession
    cookies: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict[tuple[str, str], tuple[str, str, str]])
    """By site and name: value, path, SameSite."""

    async def go(self, url: str, came_from: str = "", form: dict[str, str] | None = None) -> Page:
        """One request, no redirect followed. `came_from`: the address of the page that sent it here; empty: typed."""
        site, path = _site(url), urlsplit(url).path
        same = not came_from or _site(came_from) == site
        jar = {
            name: value
            for (where, name), (value, below, same_site) in self.cookies.items()
            if where == site and path.startswith(below) and (same or (same_site == "lax" and form is None))
        }
        headers = {"sec-fetch-site": "none" if not came_from else "same-origin" if same else "cross-site"}
        if jar:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if form is not None:
            headers["origin"] = _site(came_from or url)
        method = "GET" if form is None else "POST"
        async with self.client.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
            sent = answer.headers.getall("set-cookie", [])
            for line in sent:
                self._keep(site, line)
            location = urljoin(url, answer.headers["location"]) if "location" in answer.headers else ""
            return Page(url, answer.status, await answer.text(), location, tuple(sent))

    def _keep(self, site: str, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            assert morsel["httponly"]
            if morsel["max-age"] == "0":
                self.cookies.pop((site, name), None)
            else:
                self.cookies[site, name] = (morsel.value, morsel["path"], morsel["samesite"].lower())


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
