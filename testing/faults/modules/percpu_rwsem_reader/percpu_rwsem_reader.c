// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A per-CPU rw-semaphore: a reader that keeps it, a writer that drains readers, readers behind it.
 */
#include "../fault.h"
#include <linux/percpu-rwsem.h>
#include <linux/sched.h>

DEFINE_STATIC_PERCPU_RWSEM(fleet_lock);

static noinline int fleet_drive(int seconds)
{
	percpu_down_read(&fleet_lock);
	schedule_timeout_interruptible(seconds * HZ);
	percpu_up_read(&fleet_lock);
	return 0;
}

static noinline int fleet_reorganise(int unused)
{
	percpu_down_write(&fleet_lock);
	percpu_up_write(&fleet_lock);
	return 0;
}

static noinline int fleet_park(int unused)
{
	percpu_down_read(&fleet_lock);
	percpu_up_read(&fleet_lock);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "drive", fleet_drive },
	{ "reorganise", fleet_reorganise },
	{ "park", fleet_park },
	{}
};

static int __init fleet_init(void)
{
	return fault_register();
}
module_init(fleet_init);
