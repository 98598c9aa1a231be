// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A NULL dereference in a task that holds a mutex.
 *
 * The ledger keeps pages of entries. "commit 3" commits a page that was never filled: its
 * pointer is NULL, the task oopses inside ledger_sum() and is killed with ledger.lock held.
 * Nobody will ever release that lock, so every later "read" sleeps on it for good. The hung-task
 * detector keeps silent after an oops: SysRq w shows the sleepers.
 */
#include "../fault.h"
#include <linux/mutex.h>
#include <linux/slab.h>

#define LEDGER_PAGES 4

struct ledger_page {
	unsigned long reserved[3];
	unsigned long amount;
};

static struct {
	struct mutex lock;
	struct ledger_page *pages[LEDGER_PAGES];
	unsigned long total;
} ledger;

static noinline int ledger_read(int unused)
{
	unsigned long total;

	mutex_lock(&ledger.lock);
	total = ledger.total;
	mutex_unlock(&ledger.lock);
	return total > INT_MAX ? -EOVERFLOW : 0;
}

static noinline void ledger_sum(struct ledger_page *page)
{
	ledger.total += READ_ONCE(page->amount);
}

static noinline int ledger_commit(int number)
{
	if (number < 0 || number >= LEDGER_PAGES)
		return -EINVAL;
	mutex_lock(&ledger.lock);
	ledger_sum(ledger.pages[number]);
	mutex_unlock(&ledger.lock);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "commit", ledger_commit },
	{ "read", ledger_read },
	{}
};

static int __init ledger_init(void)
{
	int page;

	mutex_init(&ledger.lock);
	for (page = 0; page < LEDGER_PAGES - 1; page++) {
		ledger.pages[page] = kzalloc(sizeof(*ledger.pages[page]), GFP_KERNEL);
		if (!ledger.pages[page])
			return -ENOMEM;
	}
	return fault_register();
}
module_init(ledger_init);
