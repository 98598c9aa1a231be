// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A loop with interrupts off: the CPU is deaf, only another CPU can tell.
 */
#include "../fault.h"
#include <linux/irqflags.h>
#include <linux/rcupdate.h>

static noinline int probe_measure(int seconds)
{
	unsigned long flags;

	local_irq_save(flags);
	fault_spin(seconds);
	local_irq_restore(flags);
	return 0;
}

static noinline int probe_update(int unused)
{
	synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "measure", probe_measure },
	{ "update", probe_update },
	{}
};

static int __init probe_init(void)
{
	return fault_register();
}
module_init(probe_init);
