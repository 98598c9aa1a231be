/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every fault module shares: the file /proc/fault.
 *
 * A task of the guest writes one command to it ("hold", "wait 2") and the command runs in
 * that task's own write(2), so that the provoked report shows an ordinary task in an ordinary
 * system call. Nothing here takes a lock of its own.
 */
#ifndef FAULT_H
#define FAULT_H

#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

MODULE_LICENSE("Dual MIT/GPL");

/*
 * An oops prints the 42 bytes before the faulting instruction. The first function of a module
 * starts on a page of which the one before is not mapped, and the kernel then prints none: this
 * keeps every function of ours away from that edge.
 */
asm(".pushsection .text\n.skip 64, 0xcc\n.popsection");

/* One command: its first word, and what runs it; `argument` is the number after the word, or 0. */
struct fault_command {
	const char *name;
	int (*run)(int argument);
};

/* Defined by each module; the last row is empty. */
static const struct fault_command fault_commands[];

static ssize_t fault_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	const struct fault_command *command;
	char text[64], word[32];
	int argument = 0, error;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	if (sscanf(text, "%31s %d", word, &argument) < 1)
		return -EINVAL;
	for (command = fault_commands; command->name; command++) {
		if (strcmp(command->name, word))
			continue;
		error = command->run(argument);
		return error ? error : count;
	}
	return -EINVAL;
}

static const struct proc_ops fault_operations = {
	.proc_write = fault_write,
};

/* Called by the module's own init and exit. */
static int fault_register(void)
{
	return proc_create("fault", 0200, NULL, &fault_operations) ? 0 : -ENOMEM;
}

/*
 * Uses this CPU for `seconds` without sleeping. Inlined, so that a report names the caller; the
 * clock is read rarely, so that a sample rarely falls into it.
 */
static __always_inline void fault_spin(int seconds)
{
	u64 end = ktime_get_mono_fast_ns() + (u64)seconds * NSEC_PER_SEC;
	int round;

	while (ktime_get_mono_fast_ns() < end)
		for (round = 0; round < 100000; round++)
			cpu_relax();
}

#endif
