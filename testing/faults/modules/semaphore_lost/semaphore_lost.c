// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A semaphore taken by a task that has ended: nobody is left to release it.
 */
#include "../fault.h"
#include <linux/semaphore.h>

static struct semaphore dock_free;

static noinline int dock_enter(int unused)
{
	down(&dock_free);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "enter", dock_enter },
	{}
};

static int __init dock_init(void)
{
	sema_init(&dock_free, 1);
	return fault_register();
}
module_init(dock_init);
