// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex released by a task that never took it. Only lockdep sees it.
 */
#include "../fault.h"
#include <linux/mutex.h>

static DEFINE_MUTEX(garage_door);

static noinline int garage_leave(int unused)
{
	mutex_unlock(&garage_door);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "leave", garage_leave },
	{}
};

static int __init garage_init(void)
{
	return fault_register();
}
module_init(garage_init);
