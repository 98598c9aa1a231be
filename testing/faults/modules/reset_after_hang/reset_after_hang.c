// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reply that never comes, and the crash of the task that wanted to help.
 *
 * "ship" sends a parcel and waits for its receipt with depot.lock held; no receipt is ever
 * signed. "count" needs the same lock, so every later caller sleeps behind the first: hung
 * tasks. "reset" throws the depot's table away without the lock and then looks into it:
 * a NULL dereference, minutes after the real fault and a consequence of it.
 */
#include "../fault.h"
#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct depot_table {
	unsigned long shelves;
	unsigned long parcels;
};

static struct {
	struct mutex lock;
	struct completion receipt;
	struct depot_table *table;
} depot;

static noinline int depot_wait_receipt(void)
{
	wait_for_completion(&depot.receipt);
	return 0;
}

static noinline int depot_ship(int parcels)
{
	int error;

	mutex_lock(&depot.lock);
	depot.table->parcels += parcels;
	error = depot_wait_receipt();
	mutex_unlock(&depot.lock);
	return error;
}

static noinline int depot_count(int unused)
{
	int parcels;

	mutex_lock(&depot.lock);
	parcels = depot.table->parcels;
	mutex_unlock(&depot.lock);
	return parcels < 0 ? -EOVERFLOW : 0;
}

static noinline int depot_reset(int unused)
{
	struct depot_table *old = xchg(&depot.table, NULL);

	kfree(old);
	return READ_ONCE(depot.table)->parcels ? -EBUSY : 0;
}

static const struct fault_command fault_commands[] = {
	{ "ship", depot_ship },
	{ "count", depot_count },
	{ "reset", depot_reset },
	{}
};

static int __init depot_init(void)
{
	mutex_init(&depot.lock);
	init_completion(&depot.receipt);
	depot.table = kzalloc(sizeof(*depot.table), GFP_KERNEL);
	if (!depot.table)
		return -ENOMEM;
	return fault_register();
}
module_init(depot_init);
