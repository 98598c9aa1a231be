// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An RCU read-side section that a work function never leaves.
 *
 * Each "collect" queues a work item. For an odd number its function returns early and forgets
 * rcu_read_unlock(): the worker goes idle and still counts as a reader, one level deeper with each
 * such item. "publish" waits for the grace period with tally.lock held, "total" waits for the lock.
 */
#include "../fault.h"
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct tally_item {
	struct work_struct work;
	int number;
};

static struct {
	struct mutex lock;
	struct workqueue_struct *queue;
	int total;
} tally;

static noinline void tally_collect(struct work_struct *work)
{
	struct tally_item *item = container_of(work, struct tally_item, work);
	int number = item->number;

	kfree(item);
	rcu_read_lock();
	if (number & 1)
		return;
	WRITE_ONCE(tally.total, tally.total + number);
	rcu_read_unlock();
}

static noinline int tally_queue(int number)
{
	struct tally_item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	item->number = number;
	INIT_WORK(&item->work, tally_collect);
	queue_work_on(1, tally.queue, &item->work);
	return 0;
}

static noinline int tally_publish(int unused)
{
	mutex_lock(&tally.lock);
	synchronize_rcu();
	mutex_unlock(&tally.lock);
	return 0;
}

static noinline int tally_total(int unused)
{
	int total;

	mutex_lock(&tally.lock);
	total = tally.total;
	mutex_unlock(&tally.lock);
	return total < 0 ? -EOVERFLOW : 0;
}

static const struct fault_command fault_commands[] = {
	{ "collect", tally_queue },
	{ "publish", tally_publish },
	{ "total", tally_total },
	{}
};

static int __init tally_init(void)
{
	mutex_init(&tally.lock);
	tally.queue = alloc_workqueue("tally", 0, 0);
	if (!tally.queue)
		return -ENOMEM;
	return fault_register();
}
module_init(tally_init);
