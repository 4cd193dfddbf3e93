/*
 * Plays /dev/udmabuf and /dev/dma_heap for a kernel that has neither, so that libcamera's virtual camera
 * finds memory for its buffers. Shared memory takes the place of a DMA buffer: no device ever looks at it.
 *
 *     gcc -shared -fPIC -O2 -o dmabuf_standin.so dmabuf_standin.c
 *     LD_PRELOAD=./dmabuf_standin.so ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *played_by(const char *path)
{
	int is_played = path && (!strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14));
	return is_played ? "/dev/null" : path;
}

static mode_t mode_of(int flags, va_list rest)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                            \
	int name(const char *path, int flags, ...)                            \
	{                                                                     \
		static int (*real)(const char *, int, ...);                   \
		va_list rest;                                                 \
		mode_t mode;                                                  \
		va_start(rest, flags);                                        \
		mode = mode_of(flags, rest);                                  \
		va_end(rest);                                                 \
		if (!real)                                                    \
			real = dlsym(RTLD_NEXT, #name);                       \
		return real(played_by(path), flags, mode);                    \
	}

#define OPENAT(name)                                                          \
	int name(int directory, const char *path, int flags, ...)             \
	{                                                                     \
		static int (*real)(int, const char *, int, ...);              \
		va_list rest;                                                 \
		mode_t mode;                                                  \
		va_start(rest, flags);                                        \
		mode = mode_of(flags, rest);                                  \
		va_end(rest);                                                 \
		if (!real)                                                    \
			real = dlsym(RTLD_NEXT, #name);                       \
		return real(directory, played_by(path), flags, mode);         \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static int from_heap(struct dma_heap_allocation_data *wanted)
{
	int memory = memfd_create("played heap", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, wanted->len) < 0)
		return -1;
	wanted->fd = memory;
	return 0;
}

int ioctl(int file, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	va_list rest;
	void *argument;
	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	switch ((uint32_t)request) { /* callers differ in how they extend the sign */
	case UDMABUF_CREATE:
		return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
	case DMA_HEAP_IOCTL_ALLOC:
		return from_heap(argument);
	case DMA_BUF_IOCTL_SYNC:
	case DMA_BUF_SET_NAME_A:
	case DMA_BUF_SET_NAME_B:
		return 0;
	default:
		return real(file, request, argument);
	}
}
