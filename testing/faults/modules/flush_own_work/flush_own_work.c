// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work item that waits for itself, and a task that waits for the item.
 */
#include "../fault.h"
#include <linux/workqueue.h>

static struct work_struct cache_shrink_work;

static noinline void cache_drain(void)
{
	flush_work(&cache_shrink_work);
}

static void cache_shrink(struct work_struct *work)
{
	msleep(20);
	cache_drain();
}

static noinline int cache_start(int unused)
{
	schedule_work(&cache_shrink_work);
	return 0;
}

static noinline int cache_wait(int unused)
{
	cache_drain();
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "start", cache_start },
	{ "wait", cache_wait },
	{}
};

static int __init cache_init(void)
{
	INIT_WORK(&cache_shrink_work, cache_shrink);
	return fault_register();
}
module_init(cache_init);
