/*
 * A disk that can be made to wait, for one program: it puts nothing safely away while somebody else has the lock of the
 * file named by KN_DISK.
 *
 *     cc -shared -fPIC -o disk.so disk.c
 *     LD_PRELOAD=./disk.so KN_DISK=file koji-notify daemon
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_for_the_disk(void)
{
	const char *path = getenv("KN_DISK");
	int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0) {
		perror("KN_DISK");
		_exit(70);
	}
	while (flock(file, LOCK_SH) != 0 && errno == EINTR)
		;
	close(file);
}

int fsync(int file)
{
	wait_for_the_disk();
	return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
	wait_for_the_disk();
	return (int)syscall(SYS_fdatasync, file);
}
