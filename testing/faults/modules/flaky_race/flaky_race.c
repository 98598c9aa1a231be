// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A race whose window is hit as often as told.
 *
 * "deposit N" changes a balance in two steps, and in N of 100 calls it lets another CPU in between
 * them. Two tasks that deposit at once then find a balance that cannot be: BUG().
 */
#include "../fault.h"
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/random.h>

static atomic_t purse_coins;

static noinline void purse_check(int expected)
{
	BUG_ON(atomic_read(&purse_coins) != expected);
}

static noinline void purse_deposit_one(int percent)
{
	int coins = atomic_inc_return(&purse_coins);

	if (get_random_u32() % 100 < percent)
		usleep_range(200, 400);
	purse_check(coins);
}

static noinline int purse_deposit(int percent)
{
	int deposits;

	for (deposits = 0; deposits < 50; deposits++) {
		purse_deposit_one(percent);
		usleep_range(100, 900);
	}
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "deposit", purse_deposit },
	{}
};

static int __init purse_init(void)
{
	return fault_register();
}
module_init(purse_init);
