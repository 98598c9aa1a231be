// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work item that keeps its CPU, items that wait behind it, a task that waits for one of them.
 *
 * Both items run in one queue of CPU 1. "index 90" never sleeps, so the pool does not start a second
 * worker, and "save" flushes an item that is never begun.
 */
#include "../fault.h"
#include <linux/workqueue.h>

static struct workqueue_struct *search_queue;
static struct work_struct search_index_work, search_save_work;
static int search_seconds;

static noinline void search_index(struct work_struct *work)
{
	fault_spin(search_seconds);
}

static noinline void search_save(struct work_struct *work)
{
	search_seconds = 0;
}

static noinline int search_start(int seconds)
{
	search_seconds = seconds;
	queue_work_on(1, search_queue, &search_index_work);
	return 0;
}

static noinline int search_flush(int unused)
{
	queue_work_on(1, search_queue, &search_save_work);
	flush_work(&search_save_work);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "index", search_start },
	{ "save", search_flush },
	{}
};

static int __init search_init(void)
{
	INIT_WORK(&search_index_work, search_index);
	INIT_WORK(&search_save_work, search_save);
	search_queue = alloc_workqueue("search", 0, 0);
	if (!search_queue)
		return -ENOMEM;
	return fault_register();
}
module_init(search_init);
