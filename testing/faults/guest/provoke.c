/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs one fault inside the guest: reads the steps of the file named by its first argument (as
 * process 1: /steps) and carries them out, one a line.
 *
 *   load FILE [NAME=VALUE...]              load a kernel module
 *   start NAME [cpu=N] [fifo=N] WORD...    start a process called NAME that writes WORD... to
 *                                          /proc/fault, on CPU N, as SCHED_FIFO with priority N
 *   write FILE TEXT                        write TEXT to FILE, in this process
 *   exhaust NAME                           start a process called NAME that touches memory without end
 *   sleep SECONDS
 *   say TEXT                               a line in the kernel log
 *
 * As process 1 it first mounts /proc, /sys and /dev, and switches the machine off after the
 * last step. A step that fails is said on the kernel log and does not end the run: a fault
 * often kills its own task.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_LIMIT 512

static int kernel_log = -1;

static void say(const char *format, ...)
{
	char line[LINE_LIMIT];
	va_list values;

	va_start(values, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, values);
	va_end(values);
	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	if (kernel_log < 0)
		kernel_log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (write(kernel_log, line, length) != length && write(2, line, length) < 0)
		return;
}

static void load(const char *path, const char *parameters)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || syscall(SYS_finit_module, file, parameters, 0))
		say("provoke: load %s: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
}

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		say("provoke: write %s: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
}

/* In the child: become NAME, as the options say. Returns the first word that is no option. */
static char *become(char *words)
{
	char *word, *rest = words;

	prctl(PR_SET_NAME, strsep(&rest, " "));
	while (rest) {
		int number;
		cpu_set_t cpus;

		word = rest;
		if (sscanf(word, "cpu=%d", &number) == 1) {
			CPU_ZERO(&cpus);
			CPU_SET(number, &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus))
				say("provoke: cpu=%d: %s", number, strerror(errno));
		} else if (sscanf(word, "fifo=%d", &number) == 1) {
			struct sched_param priority = { .sched_priority = number };

			if (sched_setscheduler(0, SCHED_FIFO, &priority))
				say("provoke: fifo=%d: %s", number, strerror(errno));
		} else {
			break;
		}
		strsep(&rest, " ");
	}
	return rest ? rest : "";
}

static void start(char *words)
{
	pid_t child = fork();

	if (child < 0)
		say("provoke: start: %s", strerror(errno));
	if (child)
		return;
	char *command = become(words);
	write_text("/proc/fault", command);
	_exit(0);
}

/* Touches one page after another until the kernel ends it. */
static void exhaust(char *words)
{
	if (fork())
		return;
	become(words);
	for (;;) {
		char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			_exit(1);
		memset(page, 1, 1 << 20);
	}
}

static void step(char *line)
{
	char *rest = line, *verb = strsep(&rest, " ");

	if (!*verb || *verb == '#')
		return;
	if (!rest) {
		say("provoke: step without argument: %s", verb);
	} else if (!strcmp(verb, "load")) {
		char *path = strsep(&rest, " ");

		load(path, rest ? rest : "");
	} else if (!strcmp(verb, "start")) {
		start(rest);
	} else if (!strcmp(verb, "write")) {
		char *path = strsep(&rest, " ");

		write_text(path, rest ? rest : "");
	} else if (!strcmp(verb, "exhaust")) {
		exhaust(rest);
	} else if (!strcmp(verb, "sleep")) {
		/* Processes that end meanwhile are collected by the kernel: SIGCHLD is ignored. */
		usleep((useconds_t)(atof(rest) * 1e6));
	} else if (!strcmp(verb, "say")) {
		say("%s", rest);
	} else {
		say("provoke: unknown step: %s", verb);
	}
}

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
}

int main(int count, char **arguments)
{
	char line[LINE_LIMIT];
	int first = getpid() == 1;

	signal(SIGCHLD, SIG_IGN);
	if (first)
		mount_all();
	FILE *steps = fopen(count > 1 && !first ? arguments[1] : "/steps", "re");

	if (!steps) {
		say("provoke: no steps: %s", strerror(errno));
	} else {
		while (fgets(line, sizeof(line), steps)) {
			line[strcspn(line, "\n")] = '\0';
			step(line);
		}
	}
	if (first) {
		sync();
		reboot(RB_POWER_OFF);
	}
	return 0;
}
