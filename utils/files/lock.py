"""A lock file that one process at a time holds, such as the process that trains a run."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import platform
from contextlib import suppress
from pathlib import Path

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""Error numbers of file systems without locks."""

log = logging.getLogger("policy_params")


class Lock:
    """An flock(2) lock on a file, which exists while the lock is held.

    The operating system releases the lock when the process ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Acquire the lock unless another process holds it. Returns whether it is held now.  Raises OSError.

        The holder removes the file on release; a process that opened the file just before has locked a file that no
        longer exists, and tries again.
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
                log.warning(
                    "%s: this file system has no locks (%s); train each run in one process only",
                    self.path,
                    error.strerror,
                )
            if self._is_current(descriptor):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        with suppress(OSError):  # On a full disk, the holder's name is not recorded.
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} on {platform.node()}".encode())
        return True

    def _open(self) -> int:
        """Open the file, creating its directory, and return the descriptor.  Raises OSError."""
        while True:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # The last other holder has just removed the directory.
                return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)

    def _is_current(self, descriptor: int) -> bool:
        """Return whether the open file is still the one at the path."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def holder(self) -> str:
        """Return a description of the process that holds the lock, as far as it is known."""
        with suppress(FileNotFoundError):
            return self.path.read_text() or "a process"
        return "a process"

    def release(self) -> None:
        """Release the lock if it is held, and remove the file, and its directory if that is empty.

        A file that cannot be removed does no harm: no process holds it.
        """
        if self._descriptor is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s: this unused lock file cannot be removed: %s", self.path, error.strerror)
            os.close(self._descriptor)
            self._descriptor = None
        with suppress(OSError):
            self.path.parent.rmdir()
