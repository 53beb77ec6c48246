"""The text of a huge value, given back to the system bit by bit.

Releasing 512 MiB takes 50 to 110 ms, and bytes are released at once or not at all; CPython can make
them shorter, though, while nobody else refers to them.
"""

from ctypes import byref, c_int, c_ssize_t, c_void_p, py_object, pythonapi
from typing import Final

HUGE_BYTES: Final = 16 << 20  # a shorter text takes 3 ms

_resize = pythonapi._PyBytes_Resize
_resize.argtypes = [c_void_p, c_ssize_t]
_resize.restype = c_int
_keep = pythonapi.Py_IncRef
_keep.argtypes = [py_object]
_keep.restype = None
_release = pythonapi.Py_DecRef
_release.argtypes = [c_void_p]
_release.restype = None


class HugeText:
    """A text that no key holds any more."""

    def __init__(self, text: bytes) -> None:
        _keep(text)  # as a bare address below: a Python reference would be one too many
        self._address = c_void_p(id(text))
        self._size: int = len(text)

    def free_some(self) -> bool:
        """Free the last 16 MiB; return whether some are left.

        Where a reply or a long string still holds the text, the last one to let go of it frees it all.
        """
        if self._size <= HUGE_BYTES:
            _release(self._address)
            return False
        self._size -= HUGE_BYTES
        try:
            _resize(byref(self._address), self._size)
        except SystemError:  # which has let go of our reference
            return False
        return True
