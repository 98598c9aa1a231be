// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The thread that drives RCU's grace periods gets no CPU.
 *
 * It is bound to one CPU, and there a real-time task samples a meter without a pause ("sample 60",
 * started as SCHED_FIFO). A reader ("watch 3") keeps a grace period open until the sampling has begun;
 * when it leaves, nobody notices. "rotate" waits for that grace period.
 */
#include "../fault.h"
#include <linux/rcupdate.h>

static noinline int meter_sample(int seconds)
{
	fault_spin(seconds);
	return 0;
}

static noinline int meter_watch(int seconds)
{
	rcu_read_lock();
	fault_spin(seconds);
	rcu_read_unlock();
	return 0;
}

static noinline int meter_rotate(int unused)
{
	synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "sample", meter_sample },
	{ "watch", meter_watch },
	{ "rotate", meter_rotate },
	{}
};

static int __init meter_init(void)
{
	return fault_register();
}
module_init(meter_init);
