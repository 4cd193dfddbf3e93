"""Lines of strace, and what they are taken for; the traces themselves are `make test-strace`."""

from __future__ import annotations

import pytest
from trace_session import PICTURE_BYTES, Traced


def read(*lines):
    seen = Traced()
    seen.read(iter(lines))
    return seen


@pytest.mark.parametrize(
    ("line", "foreign"),
    [
        ("socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3<UNIX-STREAM:[1]>", []),
        ("socket(AF_INET6, SOCK_DGRAM, IPPROTO_IP) = 3<UDPv6:[1]>", ["AF_INET6"]),
        ("socket(AF_INET, SOCK_STREAM, 0) = -1 EAFNOSUPPORT (Address family not supported)", ["AF_INET"]),
        ("17 socket(AF_PACKET, SOCK_RAW, 768) = -1 EPERM (Operation not permitted)", ["AF_PACKET"]),
    ],
)
def test_a_socket_that_could_leave_the_machine_is_seen_also_where_it_was_refused(line, foreign):
    assert read(line).foreign == foreign


@pytest.mark.parametrize(
    ("line", "n_large"),
    [
        (f'write(3</d/microcue.db-wal>, ""..., {PICTURE_BYTES}) = {PICTURE_BYTES}', 1),
        ('pwrite64(3</d/microcue.db-wal>, ""..., 4096, 56) = 4096', 0),
        (f'write(1<pipe:[5]>, ""..., {PICTURE_BYTES}) = {PICTURE_BYTES}', 0),
        (f'write(4</dev/null>, ""..., {PICTURE_BYTES}) = {PICTURE_BYTES}', 0),
        (f"sendfile(4</d/copy>, 3</d/one>, [0] => [99], {PICTURE_BYTES}) = {PICTURE_BYTES}", 1),
        ("mmap(NULL, 999424, PROT_READ|PROT_WRITE, MAP_SHARED, 6</d/frames>, 0) = 0x7f1c", 1),
        ("mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 6</d/microcue.db-shm>, 0) = 0x7f1c", 0),
        ("mmap(NULL, 999424, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f1c", 0),
        ("mmap(NULL, 999424, PROT_READ, MAP_SHARED, 6</d/model.tflite>, 0) = 0x7f1c", 0),
        ("io_uring_setup(8, {flags=0}) = 5<anon_inode:[io_uring]>", 1),
        ("io_uring_setup(8, NULL) = -1 ENOSYS (Function not implemented)", 0),
    ],
)
def test_what_could_put_a_picture_into_a_file_is_seen(line, n_large):
    assert len(read(line).large) == n_large


def test_bytes_to_files_are_added_up():
    seen = read(
        'pwrite64(3</d/microcue.db-wal>, ""..., 4096, 56) = 4096',
        'write(3</d/microcue.lock>, ""..., 512) = 512',
        'write(2</dev/pts/0>, ""..., 80) = 80',
        "+++ exited with 0 +++",
    )
    assert (seen.n_written_bytes, seen.largest_write_bytes, seen.n_calls) == (4608, 4096, 3)
