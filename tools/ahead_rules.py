"""What systemd's MemoryDenyWriteExecute= puts into the kernel, for a process that is not under systemd.

As `seccomp_memory_deny_write_execute` in systemd's src/shared/seccomp-util.c: no mapping that can be
written and run, no page made one that can be run afterwards, no shared memory that can be run.
"""

from __future__ import annotations

import errno
import mmap

import pyseccomp

_SHM_EXEC = 0o100000  # linux/shm.h


def deny_write_execute() -> None:
    """Bind this process and its children, for good."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    refused = pyseccomp.ERRNO(errno.EPERM)
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    rules.add_rule(refused, "mmap", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, both, both))
    for name in ("mprotect", "pkey_mprotect"):
        rules.add_rule(refused, name, pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, mmap.PROT_EXEC))
    rules.add_rule(refused, "shmat", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _SHM_EXEC, _SHM_EXEC))
    rules.load()
