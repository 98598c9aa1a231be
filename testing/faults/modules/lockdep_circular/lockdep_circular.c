// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two mutexes taken in both orders, one after the other: nothing hangs.
 *
 * Only lockdep sees it: it has recorded the order of the first task when the second one comes.
 */
#include "../fault.h"
#include <linux/mutex.h>

static DEFINE_MUTEX(shop_stock);
static DEFINE_MUTEX(shop_orders);

static noinline int shop_sell(int unused)
{
	mutex_lock(&shop_stock);
	mutex_lock(&shop_orders);
	mutex_unlock(&shop_orders);
	mutex_unlock(&shop_stock);
	return 0;
}

static noinline int shop_deliver(int unused)
{
	mutex_lock(&shop_orders);
	mutex_lock(&shop_stock);
	mutex_unlock(&shop_stock);
	mutex_unlock(&shop_orders);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "sell", shop_sell },
	{ "deliver", shop_deliver },
	{}
};

static int __init shop_init(void)
{
	return fault_register();
}
module_init(shop_init);
