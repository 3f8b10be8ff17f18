"""What the database says, in words a scholar can act on."""

import re

from buttermilk.core.errors import StoreError


def complaint(said: str, where: str) -> StoreError:
    """`disk I/O error` and its kin, as a StoreError with what to do."""
    said = re.sub(r"\[Errno \d+\] ([^:]*).*", lambda found: found[1].lower(), said)
    words = f"the store cannot be opened or written ({said})."
    hint = "Check the folder's permissions, or choose another place: store.path=FOLDER/jobs.db"
    if "full" in said or "no space" in said.lower():
        words = "the disk is full: answers can no longer be stored."
        hint = "Every answer stored so far is safe. Free some space, then type the same command again: it goes on."
    elif "locked" in said:
        hint = "Another program holds it for over a minute. Is the folder on a network drive? Keep the store on a disk."
    elif "not a database" in said or "malformed" in said:
        words = f"this file is not a store that can be read ({said})."
        hint = "Is it something else? Put the store in another place: store.path=FOLDER/jobs.db"
    return StoreError(words, where=where, hint=hint)
