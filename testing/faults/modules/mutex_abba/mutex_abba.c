// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two mutexes taken in both orders: a real deadlock of two tasks, and a bystander.
 *
 * "credit" locks the account and then the journal, "audit" the journal and then the account. Both
 * sleep between, so both hold one and want the other. "show" needs the journal only.
 */
#include "../fault.h"
#include <linux/mutex.h>

static DEFINE_MUTEX(bank_account);
static DEFINE_MUTEX(bank_journal);

static noinline int bank_credit(int milliseconds)
{
	mutex_lock(&bank_account);
	msleep(milliseconds);
	mutex_lock(&bank_journal);
	mutex_unlock(&bank_journal);
	mutex_unlock(&bank_account);
	return 0;
}

static noinline int bank_audit(int milliseconds)
{
	mutex_lock(&bank_journal);
	msleep(milliseconds);
	mutex_lock(&bank_account);
	mutex_unlock(&bank_account);
	mutex_unlock(&bank_journal);
	return 0;
}

static noinline int bank_show(int unused)
{
	mutex_lock(&bank_journal);
	mutex_unlock(&bank_journal);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "credit", bank_credit },
	{ "audit", bank_audit },
	{ "show", bank_show },
	{}
};

static int __init bank_init(void)
{
	return fault_register();
}
module_init(bank_init);
