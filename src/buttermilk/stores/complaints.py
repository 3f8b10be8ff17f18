"""What the database says, in words a scholar can act on."""

import re

from buttermilk.core.errors import StoreError


def complaint(said: str, where: str) -> StoreError:
    """`disk I/O error` and its kin, as a StoreError with what to do."""
    said = re.sub(r"\[Errno \d+\] ([^:]*).*", lambda found: found[1].lower(), said)
    return StoreError(_words(said), where=where, hint=_hint(said))


def _words(said: str) -> str:
    if "full" in said or "no space" in said.lower():
        return "the disk is full: answers can no longer be stored."
    if "not a database" in said or "malformed" in said:
        return f"this file is not a store that can be read ({said})."
    return f"the store cannot be opened or written ({said})."


def _hint(said: str) -> str:
    if "full" in said or "no space" in said.lower():
        return "Every answer stored so far is safe. Free some space, then type the same command again: it goes on."
    if "locked" in said:
        return "Another program holds it for over a minute. Is the folder on a network drive? Keep the store on a disk."
    if "not a database" in said or "malformed" in said:
        return "Is it something else? Put the store in another place: store.path=FOLDER/jobs.db"
    return "Check the folder's permissions, or choose another place: store.path=FOLDER/jobs.db"
