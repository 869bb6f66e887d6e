"""What every look at a file system promises."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ringfence.core.model.local import Tracked
from ringfence.ports.files import Files


class FilesContract:
    """A test class inherits it and says how to make one."""

    async def files(self, texts: Mapping[str, str], links: Mapping[str, str]) -> tuple[Files, str]:
        """A file system with these files and links, relative to a folder, and that folder: absolute, no link in it."""
        raise NotImplementedError

    async def test_a_file_is_there_with_its_size(self) -> None:
        files, folder = await self.files({"one.txt": "häh"}, {})
        (found,) = await files.look([f"{folder}/one.txt"])
        assert (found.is_there, found.is_folder, found.size, found.real) == (True, False, 4, f"{folder}/one.txt")

    async def test_a_folder_is_one(self) -> None:
        files, folder = await self.files({"in/one.txt": "x"}, {})
        (found,) = await files.look([f"{folder}/in"])
        assert found.is_there
        assert found.is_folder

    async def test_what_is_missing_is_no_error(self) -> None:
        files, folder = await self.files({"one.txt": "x"}, {})
        (found,) = await files.look([f"{folder}/two.txt"])
        assert not found.is_there
        assert await files.text(f"{folder}/two.txt", 100) is None
        assert await files.tracked(f"{folder}/two.txt") in (Tracked.UNKNOWN, Tracked.UNTRACKED)

    async def test_several_paths_are_answered_in_their_order(self) -> None:
        files, folder = await self.files({"one.txt": "x", "two.txt": "yy"}, {})
        found = await files.look([f"{folder}/two.txt", f"{folder}/none", f"{folder}/one.txt"])
        assert [(one.path.rpartition("/")[2], one.size) for one in found] == [("two.txt", 2), ("none", 0), ("one.txt", 1)]

    async def test_a_link_is_followed_to_what_it_names(self) -> None:
        files, folder = await self.files({"secret": "x"}, {"harmless": "secret"})
        (found,) = await files.look([f"{folder}/harmless"])
        assert (found.path, found.real, found.is_there) == (f"{folder}/harmless", f"{folder}/secret", True)

    async def test_a_linked_folder_is_followed_even_to_what_is_not_there(self) -> None:
        files, folder = await self.files({"real/one": "x"}, {"other": "real"})
        (found,) = await files.look([f"{folder}/other/new"])
        assert (found.real, found.is_there) == (f"{folder}/real/new", False)

    async def test_a_pattern_stands_for_the_paths_that_fit_in_order(self) -> None:
        files, folder = await self.files({"b.txt": "", "a.txt": "", "c.md": "", "in/a.txt": ""}, {})
        assert await files.fitting(f"{folder}/*.txt", 10) == [f"{folder}/a.txt", f"{folder}/b.txt"]
        assert await files.fitting(f"{folder}/*/a.txt", 10) == [f"{folder}/in/a.txt"]
        assert await files.fitting(f"{folder}/[!ab].*", 10) == [f"{folder}/c.md"]
        assert await files.fitting(f"{folder}/?.md", 10) == [f"{folder}/c.md"]

    async def test_a_star_passes_over_what_is_hidden_unless_the_dot_is_written(self) -> None:
        files, folder = await self.files({".env": "", "env": ""}, {})
        assert await files.fitting(f"{folder}/*", 10) == [f"{folder}/env"]
        assert await files.fitting(f"{folder}/.e*", 10) == [f"{folder}/.env"]

    async def test_a_pattern_that_fits_nothing_is_an_empty_list(self) -> None:
        files, folder = await self.files({"one.txt": ""}, {})
        assert await files.fitting(f"{folder}/*.rs", 10) == []

    async def test_more_paths_than_asked_for_are_no_answer(self) -> None:
        files, folder = await self.files({f"{number}.txt": "" for number in range(5)}, {})
        assert await files.fitting(f"{folder}/*.txt", 4) is None
        assert await files.below(folder, 4) is None

    async def test_below_a_folder_every_file_is_named_at_any_depth(self) -> None:
        files, folder = await self.files({"one": "", "in/two": "", "in/deep/.three": ""}, {"in/link": "one"})
        assert await files.below(f"{folder}/in", 10) == [f"{folder}/in/deep/.three", f"{folder}/in/link", f"{folder}/in/two"]

    async def test_a_text_is_read_whole_or_not_at_all(self) -> None:
        files, folder = await self.files({"one.txt": "12345"}, {})
        assert await files.text(f"{folder}/one.txt", 5) == "12345"
        assert await files.text(f"{folder}/one.txt", 4) is None

    async def test_a_digest_is_that_of_the_bytes(self) -> None:
        files, folder = await self.files({"one.txt": "12345", "two.txt": "12346", "in/x": ""}, {})
        assert await files.digest(f"{folder}/one.txt", 5) == hashlib.sha256(b"12345").hexdigest()
        assert await files.digest(f"{folder}/two.txt", 5) == hashlib.sha256(b"12346").hexdigest()
        for path, most in (("one.txt", 4), ("none.txt", 5), ("in", 5)):
            assert await files.digest(f"{folder}/{path}", most) is None

    async def test_a_folder_has_no_text(self) -> None:
        files, folder = await self.files({"in/one.txt": "x"}, {})
        assert await files.text(f"{folder}/in", 100) is None
