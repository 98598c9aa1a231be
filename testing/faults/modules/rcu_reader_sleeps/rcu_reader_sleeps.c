// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An RCU reader that sleeps.
 *
 * "lookup 60" finds no entry in the catalog and fetches it, which sleeps, still inside
 * rcu_read_lock(). The scheduler warns once; the grace period cannot end before the fetch does.
 * "replace" waits for that grace period.
 */
#include "../fault.h"
#include <linux/rcupdate.h>
#include <linux/sched.h>

static noinline void catalog_fetch(int seconds)
{
	schedule_timeout_uninterruptible(seconds * HZ);
}

static noinline int catalog_lookup(int seconds)
{
	rcu_read_lock();
	catalog_fetch(seconds);
	rcu_read_unlock();
	return 0;
}

static noinline int catalog_replace(int unused)
{
	synchronize_rcu();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "lookup", catalog_lookup },
	{ "replace", catalog_replace },
	{}
};

static int __init catalog_init(void)
{
	return fault_register();
}
module_init(catalog_init);
