"""The compiled inner loops, and `njit`, through which each of them is compiled or was compiled ahead.

A kernel states its signature beside itself, as the text that numba reads. With it, numba compiles the
kernel when its module is imported (or reads what it compiled then); where a build made ahead fits
(`edge.ahead`), the kernel is taken from that instead, and numba is never imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge import ahead

_Kernel = Callable[..., Any]


def njit(signature: str = "", **options: Any) -> Callable[[_Kernel], _Kernel]:
    """Make a kernel of a function, as numba's decorator of this name does.

    Parameters
    ----------
    signature : str
        Types of result and arguments; empty for what is only ever inlined into the kernels of its file.
    **options
        Numba's.

    Returns
    -------
    callable
        Decorator. Its kernels take positional arguments.

    Raises
    ------
    KernelsAbsent
        There is no build that fits, and this process may not compile.
    """
    kernels = ahead.build().kernels
    if kernels is not None:
        return lambda function: ahead.taken(kernels, function) if signature else function
    ahead.require_leave_to_compile()
    import numba

    return numba.njit(signature, **options) if signature else numba.njit(**options)
