/*
 * A small smoke set: what every program needs of a kernel, each part in a process of its own. Prints one line a
 * part, `ok NAME`, `skip NAME` where the kernel does not have it, or `not ok NAME: why`, and ends with 1 when
 * a part failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#define SKIP 77
#define NEED(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			int skip = errno == ENOSYS || errno == EAFNOSUPPORT || errno == ENODEV || \
				   errno == ENOENT || errno == EPROTONOSUPPORT;          \
			if (!skip)                                                       \
				printf("# line %d: %s\n", __LINE__, strerror(errno));    \
			return skip ? SKIP : 1;                                          \
		}                                                                        \
	} while (0)
#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("# line %d: %s is not so\n", __LINE__, #condition);       \
			return 1;                                                        \
		}                                                                        \
	} while (0)

static int processes(void)
{
	for (int i = 0; i < 50; i++) {
		int status;
		pid_t child = fork();

		NEED(child >= 0);
		if (!child)
			_exit(i);
		NEED(waitpid(child, &status, 0) == child);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
	}
	return 0;
}

static int program(void)
{
	int status;
	pid_t child = fork();

	NEED(child >= 0);
	if (!child) {
		execl("/proc/self/exe", "smoke", "nothing", NULL);
		_exit(9);
	}
	NEED(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static int pipes(void)
{
	static char out[65536], in[65536];
	int ends[2];

	NEED(pipe(ends) == 0);
	memset(out, 'x', sizeof(out));
	if (!fork()) {
		for (int i = 0; i < 16; i++)
			if (write(ends[1], out, sizeof(out)) != sizeof(out))
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	size_t all = 0;
	ssize_t got;
	while ((got = read(ends[0], in, sizeof(in))) > 0)
		all += got;
	CHECK(all == 16 * sizeof(out));
	wait(NULL);
	return 0;
}

static int memory(void)
{
	size_t size = 8 << 20;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(at != MAP_FAILED);
	for (size_t i = 0; i < size; i += 4096)
		at[i] = i >> 12;
	for (size_t i = 0; i < size; i += 4096)
		CHECK(at[i] == (char)(i >> 12));
	NEED(mprotect(at, size / 2, PROT_READ) == 0);
	at = mremap(at + size / 2, size / 2, size, MREMAP_MAYMOVE);
	NEED(at != MAP_FAILED);
	NEED(madvise(at, size, MADV_DONTNEED) == 0);
	CHECK(at[0] == 0);
	NEED(munmap(at, size) == 0);
	return 0;
}

static int shared_memory(void)
{
	int fd = syscall(SYS_memfd_create, "smoke", 0);

	NEED(fd >= 0);
	NEED(ftruncate(fd, 1 << 16) == 0);
	int *at = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(at != MAP_FAILED);
	if (!fork()) {
		at[100] = 7;
		_exit(0);
	}
	wait(NULL);
	CHECK(at[100] == 7);
	return 0;
}

static int files(void)
{
	char name[64], text[8] = "";

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/tmp/smoke-%d", i);
		int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
		NEED(fd >= 0);
		NEED(pwrite(fd, "smoke", 5, 4096) == 5);
		NEED(pread(fd, text, 5, 4096) == 5);
		CHECK(!memcmp(text, "smoke", 5));
		NEED(ftruncate(fd, 10) == 0);
		close(fd);
	}
	NEED(rename("/tmp/smoke-0", "/tmp/smoke-new") == 0);
	NEED(link("/tmp/smoke-new", "/tmp/smoke-0") == 0);
	NEED(symlink("/tmp/smoke-0", "/tmp/smoke-link") == 0);
	NEED(unlink("/tmp/smoke-link") == 0 && unlink("/tmp/smoke-new") == 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/tmp/smoke-%d", i);
		NEED(unlink(name) == 0);
	}
	return 0;
}

static int mounts(void)
{
	NEED(mkdir("/tmp/smoke-mount", 0700) == 0);
	NEED(mount("none", "/tmp/smoke-mount", "tmpfs", 0, "size=1m") == 0);
	NEED(mkdir("/tmp/smoke-mount/a", 0700) == 0);
	NEED(umount("/tmp/smoke-mount") == 0);
	NEED(rmdir("/tmp/smoke-mount") == 0);
	return 0;
}

static int proc(void)
{
	static const char *const paths[] = { "/proc/meminfo", "/proc/stat", "/proc/self/maps",
					     "/proc/self/status", "/proc/interrupts", "/proc/loadavg",
					     "/proc/vmstat", "/proc/mounts" };
	static char text[65536];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDONLY);
		NEED(fd >= 0);
		NEED(read(fd, text, sizeof(text)) > 0);
		close(fd);
	}
	DIR *folder = opendir("/proc");
	NEED(folder);
	while (readdir(folder))
		;
	closedir(folder);
	return 0;
}

static volatile sig_atomic_t rang;

static void ring(int signal)
{
	rang = signal;
}

static int signals(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 1000 } };

	signal(SIGUSR1, ring);
	NEED(raise(SIGUSR1) == 0);
	CHECK(rang == SIGUSR1);
	signal(SIGALRM, ring);
	sigset_t none, alarm;
	sigemptyset(&none);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	NEED(sigprocmask(SIG_BLOCK, &alarm, NULL) == 0);
	NEED(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	sigsuspend(&none);
	CHECK(rang == SIGALRM);
	return 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count;

static void *counts(void *unused)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		count++;
		pthread_mutex_unlock(&lock);
	}
	return unused;
}

static int threads(void)
{
	pthread_t all[4];

	for (int i = 0; i < 4; i++) {
		errno = pthread_create(&all[i], NULL, counts, NULL);
		NEED(errno == 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(all[i], NULL);
	CHECK(count == 4 * 20000);
	return 0;
}

static int polling(void)
{
	int epoll = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event wanted = { .events = EPOLLIN, .data.fd = event }, got;
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
	unsigned long long value = 3;

	NEED(epoll >= 0 && event >= 0 && timer >= 0);
	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
	wanted.data.fd = timer;
	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &wanted) == 0);
	NEED(write(event, &value, 8) == 8);
	NEED(epoll_wait(epoll, &got, 1, 5000) == 1);
	CHECK(got.data.fd == event);
	NEED(read(event, &value, 8) == 8);
	NEED(timerfd_settime(timer, 0, &soon, NULL) == 0);
	NEED(epoll_wait(epoll, &got, 1, 5000) == 1);
	CHECK(got.data.fd == timer);
	return 0;
}

static int unix_sockets(void)
{
	int pair[2];
	char text[6] = "";

	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	NEED(send(pair[0], "smoke", 5, 0) == 5);
	NEED(recv(pair[1], text, 5, 0) == 5);
	CHECK(!strcmp(text, "smoke"));
	return 0;
}

static int inet_sockets(void)
{
	int one = socket(AF_INET, SOCK_DGRAM, 0);

	NEED(one >= 0);
	NEED(close(one) == 0);
	return 0;
}

static int clocks(void)
{
	struct timespec before, after, nap = { .tv_nsec = 2000000 };

	NEED(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	NEED(nanosleep(&nap, NULL) == 0);
	NEED(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	long long passed = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
	CHECK(passed >= 2000000);
	return 0;
}

static int tracing(void)
{
	int status;
	pid_t child = fork();

	NEED(child >= 0);
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(4);
	}
	NEED(waitpid(child, &status, 0) == child);
	CHECK(WIFSTOPPED(status));
	NEED(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
	NEED(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	return 0;
}

static int placement(void)
{
	cpu_set_t all, one;

	NEED(sched_getaffinity(0, sizeof(all), &all) == 0);
	for (int cpu = 0; cpu < 64; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
		CHECK(sched_getcpu() == cpu);
	}
	return 0;
}

static int namespaces(void)
{
	NEED(unshare(CLONE_NEWNS) == 0);
	return 0;
}

static int watching(void)
{
	static char text[4096];
	int fd = inotify_init1(0);

	NEED(fd >= 0);
	NEED(inotify_add_watch(fd, "/tmp", IN_CREATE) >= 0);
	int file = open("/tmp/smoke-watched", O_CREAT | O_WRONLY, 0600);
	NEED(file >= 0);
	NEED(read(fd, text, sizeof(text)) > 0);
	NEED(unlink("/tmp/smoke-watched") == 0);
	return 0;
}

static const struct {
	const char *name;
	int (*part)(void);
} parts[] = {
	{ "processes", processes }, { "program", program },
	{ "pipes", pipes },	    { "memory", memory },
	{ "shared-memory", shared_memory }, { "files", files },
	{ "mounts", mounts },	    { "proc", proc },
	{ "signals", signals },	    { "threads", threads },
	{ "polling", polling },	    { "unix-sockets", unix_sockets },
	{ "inet-sockets", inet_sockets },		    { "clocks", clocks },
	{ "tracing", tracing },	    { "placement", placement },
	{ "namespaces", namespaces }, { "watching", watching },
};

int main(int argc, char **argv)
{
	int failed = 0;

	(void)argv;
	if (argc > 1)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int status = 0;

		fflush(stdout);
		pid_t child = fork();
		if (!child) {
			alarm(20);
			int result = parts[i].part();
			fflush(stdout);
			_exit(result);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			status = 1 << 8;
		if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP)
			printf("skip %s\n", parts[i].name);
		else if (WIFEXITED(status) && !WEXITSTATUS(status))
			printf("ok %s\n", parts[i].name);
		else if (WIFSIGNALED(status))
			printf("not ok %s: signal %d\n", parts[i].name, WTERMSIG(status)), failed = 1;
		else
			printf("not ok %s\n", parts[i].name), failed = 1;
	}
	fflush(stdout);
	return failed;
}
