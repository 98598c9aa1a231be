
static void run_calls(void)
{
	for (int call = 0; call < CALLS; call++)
		make_call(call);
}
