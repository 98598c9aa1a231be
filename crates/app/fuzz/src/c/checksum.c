
/* The Internet checksum, RFC 1071. */
static unsigned checksum_add(unsigned sum, const unsigned char* bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (unsigned)bytes[i] << 8;
	return sum;
}

static void checksum_put(void* at, unsigned long long sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	unsigned char* bytes = at;
	bytes[0] = ~sum >> 8;
	bytes[1] = ~sum;
}
