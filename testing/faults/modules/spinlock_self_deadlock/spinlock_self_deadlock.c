// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A spinlock taken twice by one task: it spins on itself with preemption off.
 */
#include "../fault.h"
#include <linux/spinlock.h>

static DEFINE_RAW_SPINLOCK(mail_lock);
static int mail_count;

static noinline void mail_sort(void)
{
	raw_spin_lock(&mail_lock);
	mail_count = 0;
	raw_spin_unlock(&mail_lock);
}

static noinline int mail_add(int unused)
{
	raw_spin_lock(&mail_lock);
	if (++mail_count > 0)
		mail_sort();
	raw_spin_unlock(&mail_lock);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "add", mail_add },
	{}
};

static int __init mail_init(void)
{
	return fault_register();
}
module_init(mail_init);
