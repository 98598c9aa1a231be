// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory read after it was freed, by another path than the one that freed it.
 *
 * "open" takes a ticket, "cancel" frees it and leaves the pointer behind, "print" reads through it.
 * A kernel without a check for it crashes later, over what the freed memory then holds.
 * KFENCE watches a sample of all allocations only, so each command is repeated as often as told.
 */
#include "../fault.h"
#include <linux/minmax.h>
#include <linux/slab.h>

#define BOOTH_TICKETS 4096

struct booth_ticket {
	unsigned long seat;
	struct booth_ticket *next;
	char name[48];
};

static struct booth_ticket *booth_tickets[BOOTH_TICKETS];

static int booth_each(int count, int (*run)(int ticket))
{
	int ticket, error = 0;

	for (ticket = 0; ticket < min(count, BOOTH_TICKETS) && !error; ticket++)
		error = run(ticket);
	return error;
}

static noinline int booth_open_one(int ticket)
{
	booth_tickets[ticket] = kzalloc(sizeof(*booth_tickets[ticket]), GFP_KERNEL);
	/* Some time between two allocations, or KFENCE takes no further sample. */
	if (!(ticket & 15))
		msleep(1);
	return booth_tickets[ticket] ? 0 : -ENOMEM;
}

static noinline int booth_cancel_one(int ticket)
{
	kfree(booth_tickets[ticket]);
	return 0;
}

static noinline int booth_print_one(int ticket)
{
	struct booth_ticket *next = READ_ONCE(booth_tickets[ticket]->next);

	return next && READ_ONCE(next->seat) > 100000 ? -ERANGE : 0;
}

static int booth_open(int count)
{
	return booth_each(count, booth_open_one);
}

static int booth_cancel(int count)
{
	return booth_each(count, booth_cancel_one);
}

static int booth_print(int count)
{
	return booth_each(count, booth_print_one);
}

static const struct fault_command fault_commands[] = {
	{ "open", booth_open },
	{ "cancel", booth_cancel },
	{ "print", booth_print },
	{}
};

static int __init booth_init(void)
{
	return fault_register();
}
module_init(booth_init);
