// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A loop with preemption off: soft lockup, and a grace period that waits for the CPU.
 */
#include "../fault.h"
#include <linux/preempt.h>
#include <linux/rcupdate.h>

static noinline int mixer_blend(int seconds)
{
	preempt_disable();
	fault_spin(seconds);
	preempt_enable();
	return 0;
}

static noinline int mixer_swap(int unused)
{
	synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "blend", mixer_blend },
	{ "swap", mixer_swap },
	{}
};

static int __init mixer_init(void)
{
	return fault_register();
}
module_init(mixer_init);
