// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reference dropped once too often.
 */
#include "../fault.h"
#include <linux/refcount.h>

static refcount_t club_members = REFCOUNT_INIT(1);

static noinline int club_leave(int unused)
{
	if (refcount_dec_and_test(&club_members))
		pr_info("club: the last member left\n");
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "leave", club_leave },
	{}
};

static int __init club_init(void)
{
	return fault_register();
}
module_init(club_init);
