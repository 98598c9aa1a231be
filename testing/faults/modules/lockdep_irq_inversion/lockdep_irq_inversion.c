// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A spinlock taken in an interrupt handler, and elsewhere with interrupts on.
 *
 * A timer counts under counter_lock; "read" takes the same lock with interrupts on. Were the
 * timer to fire in between on that CPU, it would spin for good. Only lockdep sees it.
 */
#include "../fault.h"
#include <linux/hrtimer.h>
#include <linux/spinlock.h>

static DEFINE_RAW_SPINLOCK(counter_lock);
static struct hrtimer counter_timer;
static u64 counter_ticks;

static enum hrtimer_restart counter_tick(struct hrtimer *timer)
{
	raw_spin_lock(&counter_lock);
	counter_ticks++;
	raw_spin_unlock(&counter_lock);
	return HRTIMER_NORESTART;
}

static noinline int counter_start(int milliseconds)
{
	hrtimer_start(&counter_timer, ms_to_ktime(milliseconds), HRTIMER_MODE_REL_HARD);
	return 0;
}

static noinline int counter_read(int unused)
{
	u64 ticks;

	raw_spin_lock(&counter_lock);
	ticks = counter_ticks;
	raw_spin_unlock(&counter_lock);
	return ticks > INT_MAX ? -EOVERFLOW : 0;
}

static const struct fault_command fault_commands[] = {
	{ "start", counter_start },
	{ "read", counter_read },
	{}
};

static int __init counter_init(void)
{
	hrtimer_init(&counter_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	counter_timer.function = counter_tick;
	return fault_register();
}
module_init(counter_init);
