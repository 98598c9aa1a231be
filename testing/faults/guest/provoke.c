/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs one fault inside the guest: reads the steps of the file named by its first argument (as
 * process 1: /steps) and carries them out, one a line.
 *
 *   load FILE [NAME=VALUE...]      load a kernel module
 *   start NAME [OPTION...] WORD... start a process called NAME that writes WORD... to /proc/fault
 *   hold NAME [OPTION...] N        start a process called NAME that touches N MiB and keeps them
 *   exhaust NAME [OPTION...]       start a process called NAME that touches memory without end
 *   pin NAME cpu=N                 bind the running task NAME (a kernel thread) to CPU N
 *   write FILE TEXT                write TEXT to FILE, in this process
 *   try_write FILE TEXT            the same, but silent where FILE does not exist
 *   sleep SECONDS
 *   say TEXT                       a line in the kernel log
 *
 * Options: cpu=N (run there only), fifo=N (as SCHED_FIFO with priority N), oom_score_adj=N.
 *
 * As process 1 it first mounts /proc, /sys, /sys/kernel/debug and /dev, and switches the machine off
 * after the last step. In either case it binds itself to CPU 0 and runs as SCHED_FIFO, so that a fault on another CPU, or
 * one that takes all time of ordinary tasks, does not keep it from its next step. A step that fails is
 * said on the kernel log and does not end the run: a fault often kills its own task.
 */
#define _GNU_SOURCE
#include <dirent.h>
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

static void write_text(const char *path, const char *text, int must_exist)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 && errno == ENOENT && !must_exist)
		return;
	if (file < 0 || write(file, text, strlen(text)) < 0)
		say("provoke: write %s: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
}

static void bind_to(pid_t task, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(task, sizeof(cpus), &cpus))
		say("provoke: cpu=%d: %s", cpu, strerror(errno));
}

static void use_priority(int policy, int priority)
{
	struct sched_param parameters = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &parameters))
		say("provoke: scheduling policy: %s", strerror(errno));
}

/* In the child: become NAME, as the options say. Returns the first word that is no option. */
static char *become(char *words)
{
	int policy = SCHED_OTHER, priority = 0, bound = 0;
	char *rest = words;
	cpu_set_t all;

	prctl(PR_SET_NAME, strsep(&rest, " "));
	while (rest) {
		char text[16];
		int number;

		if (sscanf(rest, "cpu=%d", &number) == 1) {
			bind_to(0, number);
			bound = 1;
		} else if (sscanf(rest, "fifo=%d", &number) == 1) {
			policy = SCHED_FIFO;
			priority = number;
		} else if (sscanf(rest, "oom_score_adj=%15[-0-9]", text) == 1) {
			write_text("/proc/self/oom_score_adj", text, 1);
		} else {
			break;
		}
		strsep(&rest, " ");
	}
	/* An unbound moment as an ordinary task could end on a CPU that a fault keeps busy. */
	if (!bound) {
		memset(&all, 0xff, sizeof(all));
		sched_setaffinity(0, sizeof(all), &all);
	}
	use_priority(policy, priority);
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
	write_text("/proc/fault", command, 1);
	_exit(0);
}

/* Touches `mebibytes` (or, if negative, one after the other until the kernel ends it), then waits. */
static void touch(long mebibytes)
{
	const size_t piece = 1 << 20;

	while (mebibytes < 0 || mebibytes-- > 0) {
		char *memory = mmap(NULL, piece, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			_exit(1);
		memset(memory, 1, piece);
	}
	for (;;)
		pause();
}

static void exhaust(char *words)
{
	if (fork())
		return;
	become(words);
	touch(-1);
}

static void hold(char *words)
{
	if (fork())
		return;
	touch(atol(become(words)));
}

/* Binds the first task of that name to a CPU. */
static void pin(const char *name, int cpu)
{
	DIR *tasks = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (tasks && !found && (entry = readdir(tasks))) {
		char path[300], comm[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
		if (!strcmp(comm, name)) {
			bind_to(atoi(entry->d_name), cpu);
			found = 1;
		}
	}
	if (tasks)
		closedir(tasks);
	if (!found)
		say("provoke: pin %s: no such task", name);
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
	} else if (!strcmp(verb, "hold")) {
		hold(rest);
	} else if (!strcmp(verb, "exhaust")) {
		exhaust(rest);
	} else if (!strcmp(verb, "pin")) {
		char *name = strsep(&rest, " ");
		int cpu;

		if (rest && sscanf(rest, "cpu=%d", &cpu) == 1)
			pin(name, cpu);
	} else if (!strcmp(verb, "write") || !strcmp(verb, "try_write")) {
		char *path = strsep(&rest, " ");

		write_text(path, rest ? rest : "", !strcmp(verb, "write"));
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
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, "");
}

int main(int count, char **arguments)
{
	char line[LINE_LIMIT];
	int first = getpid() == 1;

	signal(SIGCHLD, SIG_IGN);
	if (first)
		mount_all();
	bind_to(0, 0);
	use_priority(SCHED_FIFO, 90);
	FILE *steps = fopen(count > 1 && !first ? arguments[1] : "/steps", "re");

	if (!steps) {
		say("provoke: no steps: %s", strerror(errno));
	} else {
		say("provoke: first step");
		while (fgets(line, sizeof(line), steps)) {
			line[strcspn(line, "\n")] = '\0';
			step(line);
		}
	}
	say("provoke: end of steps");
	if (first) {
		reboot(RB_POWER_OFF);
	}
	return 0;
}
