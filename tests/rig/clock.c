/*
 * The time of day for one program: the world's, and as many seconds later as the file named by KN_CLOCK says (eight
 * bytes, as this machine writes a number). It may be put forward while the program runs. The clocks that only measure
 * how long something takes go on as they do, as in a computer that was asleep.
 *
 *     cc -shared -fPIC -o clock.so clock.c
 *     LD_PRELOAD=./clock.so KN_CLOCK=file koji-notify daemon
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *later;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("KN_CLOCK");
	int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *found = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *later, PROT_READ, MAP_SHARED, file, 0);

	if (found == MAP_FAILED) {
		perror("KN_CLOCK");
		_exit(70);
	}
	close(file);
	later = found;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = (int)syscall(SYS_clock_gettime, clock, time);

	if (result == 0 && clock == CLOCK_REALTIME && later != NULL)
		time->tv_sec += *later;
	return result;
}
