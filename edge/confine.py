"""Taking the internet away from this process, for good, before the first frame is read.

A seccomp filter makes the kernel refuse every socket that is not for this machine alone, in all
threads and in every child, and it cannot be taken off again. It holds in a session that is
started by hand as in a service, whatever the service's unit says on top of it.
"""

from __future__ import annotations

import ctypes
import errno
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

# numbers of linux/socket.h: between programs of this machine (systemd, a GStreamer source), and
# with the kernel (libcamera listens there for cameras that come and go)
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_BLUETOOTH, AF_VSOCK = 1, 2, 10, 16, 17, 31, 40
LOCAL_FAMILIES = (AF_UNIX, AF_NETLINK)
_SOCK_STREAM = 1
# ways to a socket that do not pass `socket`: the ring that makes sockets by itself, taking one from
# another process, and moving another process to make one
_WAYS_ROUND = (
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "pidfd_getfd",
    "ptrace",
    "process_vm_writev",
)
_confined = False


def confine(load: Callable[[], None] | None = None) -> str:
    """Let the kernel refuse internet sockets from now on; once done, calling it again does nothing.

    Parameters
    ----------
    load : callable, optional
        Puts the filter in place, for tests of what happens where it cannot.

    Returns
    -------
    str
        Empty where the filter holds; else why it does not, in one sentence for people. A session
        goes on without it, since nothing of microcue opens a connection anyway; the caller says so
        and counts it in the log.
    """
    global _confined  # noqa: PLW0603 - as true of the whole process as the filter itself
    if _confined:
        return ""
    try:
        (load or _load_filter)()
    except (ImportError, RuntimeError):  # pyseccomp's words for its library's absence
        return (
            "expected libseccomp, which forbids this process every internet socket, found none; "
            "apt install libseccomp2"
        )
    except OSError as error:
        return (
            f"expected the kernel to forbid this process every internet socket, it says: {error.strerror}; "
            "use a kernel with CONFIG_SECCOMP_FILTER, or a service with PrivateNetwork=yes"
        )
    _confined = True
    return ""


def _load_filter() -> None:
    import pyseccomp

    seccomp = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    # threads that exist already (numpy's, the models') are bound as well
    seccomp.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    try:  # before Linux 5.16 a filter slows down every branch of some processors (ssbd) unless told not to
        seccomp.set_attr(pyseccomp.Attr.CTL_SSB, 1)
    except OSError:
        log.debug("libseccomp before 2.5 cannot leave speculative stores alone")
    # what a kernel without internet would say, and systemd's RestrictAddressFamilies= does
    refused = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in set(range(max(LOCAL_FAMILIES))) - set(LOCAL_FAMILIES):
        seccomp.add_rule(refused, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    seccomp.add_rule(refused, "socket", pyseccomp.Arg(0, pyseccomp.GT, max(LOCAL_FAMILIES)))
    for name in _WAYS_ROUND:
        try:
            seccomp.add_rule(pyseccomp.ERRNO(errno.ENOSYS), name)
        except OSError:  # a call that this kernel's libseccomp has no number for does not exist here
            log.debug("libseccomp does not know %s", name)
    seccomp.load()


def refused_families() -> dict[int, bool]:
    """Ask the kernel for a socket of each kind that could leave the machine, and close what it gives.

    Returns
    -------
    dict of address family to bool
        True where it was refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    refused = {}
    for family in (AF_INET, AF_INET6, AF_PACKET, AF_BLUETOOTH, AF_VSOCK):
        descriptor = libc.socket(family, _SOCK_STREAM, 0)
        refused[family] = descriptor < 0
        if descriptor >= 0:
            libc.close(descriptor)
    return refused
