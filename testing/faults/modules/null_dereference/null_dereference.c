// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A NULL dereference: a lookup finds nothing and the caller does not check.
 */
#include "../fault.h"

struct phone_entry {
	unsigned long reserved[6];
	unsigned long number;
};

static struct phone_entry phone_entries[4];

static noinline struct phone_entry *phone_find(int name)
{
	return name >= 0 && name < ARRAY_SIZE(phone_entries) ? &phone_entries[name] : NULL;
}

static noinline unsigned long phone_number(struct phone_entry *entry)
{
	return READ_ONCE(entry->number);
}

static noinline int phone_dial(int name)
{
	return phone_number(phone_find(name)) ? -EBUSY : 0;
}

static const struct fault_command fault_commands[] = {
	{ "dial", phone_dial },
	{}
};

static int __init phone_init(void)
{
	return fault_register();
}
module_init(phone_init);
