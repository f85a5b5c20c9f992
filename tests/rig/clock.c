/*
 * The time for one program: the world's, and as many seconds later as the file named by KN_CLOCK says. It has two
 * numbers of eight bytes, as this machine writes them, and both may grow while the program runs. The first is for the
 * time of day. The second is for the clock that only measures how long something takes: where it stays behind, the
 * computer was asleep. A program that waits sees that one jump with whatever wakes it next.
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

enum { DAY, MEASURE, NUMBERS };

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("KN_CLOCK");
	int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *found = file < 0 ? MAP_FAILED : mmap(NULL, NUMBERS * sizeof *later, PROT_READ, MAP_SHARED, file, 0);

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

	if (result == 0 && later != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC))
		time->tv_sec += later[clock == CLOCK_REALTIME ? DAY : MEASURE];
	return result;
}
