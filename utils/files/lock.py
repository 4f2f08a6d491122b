"""A file that one process at a time holds: who trains a run says so there."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import platform
from contextlib import suppress
from pathlib import Path

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What a file system answers that has no locks."""

log = logging.getLogger("policy_params")


class Lock:
    """flock(2) on a file, which is there while the lock is held. The system lets go when a process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take it, unless another has it. Returns whether it is ours.  Raises OSError.

        A holder removes the file when it lets go; who opened it just before holds a file that is
        no longer there, and tries again.
        """
        while self._descriptor is None:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    os.close(descriptor)
                    raise
                log.warning("%s: no locks here (%s); train a run in one process only", self.path, error.strerror)
            if self._is_there(descriptor):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        with suppress(OSError):  # On a full disk, others do not learn who has it.
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} on {platform.node()}".encode())
        return True

    def _open(self) -> int:
        while True:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # Another, the last there, has just removed the directory.
                return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def holder(self) -> str:
        """Who has it, as far as is known."""
        with suppress(FileNotFoundError):
            return self.path.read_text() or "a process"
        return "a process"

    def release(self) -> None:
        """Let go, if it is ours, and remove the file; and its directory, if that is empty.

        A file that cannot be removed does no harm: nobody holds it.
        """
        if self._descriptor is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s: of no more use but stays: %s", self.path, error.strerror)
            os.close(self._descriptor)
            self._descriptor = None
        with suppress(OSError):
            self.path.parent.rmdir()
