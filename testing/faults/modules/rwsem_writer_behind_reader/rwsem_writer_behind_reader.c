// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reader that keeps an rw-semaphore, a writer behind it, and readers behind the writer.
 *
 * "walk 90" sleeps with the tree read-locked. "split" wants to write and waits. "find" only wants to
 * read, but queues behind the waiting writer.
 */
#include "../fault.h"
#include <linux/rwsem.h>
#include <linux/sched.h>

static DECLARE_RWSEM(tree_lock);

static noinline int tree_walk(int seconds)
{
	down_read(&tree_lock);
	schedule_timeout_interruptible(seconds * HZ);
	up_read(&tree_lock);
	return 0;
}

static noinline int tree_split(int unused)
{
	down_write(&tree_lock);
	up_write(&tree_lock);
	return 0;
}

static noinline int tree_find(int unused)
{
	down_read(&tree_lock);
	up_read(&tree_lock);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "walk", tree_walk },
	{ "split", tree_split },
	{ "find", tree_find },
	{}
};

static int __init tree_init(void)
{
	return fault_register();
}
module_init(tree_init);
