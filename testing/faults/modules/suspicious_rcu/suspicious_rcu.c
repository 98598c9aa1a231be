// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer protected by RCU, read without rcu_read_lock(). Only lockdep's RCU checks see it.
 */
#include "../fault.h"
#include <linux/rcupdate.h>

static int __rcu *menu_current;

static noinline int menu_show(int unused)
{
	int *current_menu = rcu_dereference(menu_current);

	return current_menu ? 0 : -ENOENT;
}

static const struct fault_command fault_commands[] = {
	{ "show", menu_show },
	{}
};

static int __init menu_init(void)
{
	return fault_register();
}
module_init(menu_init);
