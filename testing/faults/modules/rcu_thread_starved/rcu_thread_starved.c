// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The thread that drives RCU's grace periods gets no CPU.
 *
 * It is bound to one CPU, and there a real-time task samples a meter without a pause ("sample 60",
 * started as SCHED_FIFO). CPUs report their quiescent states, nobody collects them. "rotate
 * N" waits for N grace periods, so that one is on its way when the sampling begins.
 */
#include "../fault.h"
#include <linux/rcupdate.h>

static noinline int meter_sample(int seconds)
{
	fault_spin(seconds);
	return 0;
}

static noinline int meter_rotate(int times)
{
	while (times-- > 0)
		synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "sample", meter_sample },
	{ "rotate", meter_rotate },
	{}
};

static int __init meter_init(void)
{
	return fault_register();
}
module_init(meter_init);
