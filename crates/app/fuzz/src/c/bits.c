
/* Puts a value into some bits of a number. */
static void put_bits(void* at, int size, int big, int shift, int width, unsigned long long value)
{
	unsigned char* bytes = at;
	unsigned long long old = 0;
	for (int i = 0; i < size; i++)
		old |= (unsigned long long)bytes[big ? size - 1 - i : i] << (8 * i);
	unsigned long long mask = (~0ull >> (64 - width)) << shift;
	old = (old & ~mask) | ((value << shift) & mask);
	for (int i = 0; i < size; i++)
		bytes[big ? size - 1 - i : i] = old >> (8 * i);
}
