// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A CPU that does not answer, and the victim that asks it.
 *
 * "measure 60" loops with interrupts off. "poll" asks that CPU for a value by a cross-CPU call and
 * spins for the answer: the watchdog then names the asker, which is innocent.
 */
#include "../fault.h"
#include <linux/irqflags.h>
#include <linux/smp.h>

static void gauge_read(void *value)
{
	*(int *)value = smp_processor_id();
}

static noinline int gauge_measure(int seconds)
{
	unsigned long flags;

	local_irq_save(flags);
	fault_spin(seconds);
	local_irq_restore(flags);
	return 0;
}

static noinline int gauge_poll(int cpu)
{
	int value;

	return smp_call_function_single(cpu, gauge_read, &value, 1);
}

static const struct fault_command fault_commands[] = {
	{ "measure", gauge_measure },
	{ "poll", gauge_poll },
	{}
};

static int __init gauge_init(void)
{
	return fault_register();
}
module_init(gauge_init);
