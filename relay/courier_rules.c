/*
 * courier_rules - where a transfer may go, whoever asks for it: https with its
 * certificate checked, to public addresses, without redirects and proxies.
 *
 * SECURITY: the address is judged when the socket is made, after the name was
 * resolved: a name that points inside is no way in.
 */
#include "relay/conf.h"
#include "relay/courier_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool
private_ipv4(uint32_t a)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} ranges[] = {
	    {0x00000000, 8},  /* this network */
	    {0x0A000000, 8},  /* RFC 1918 */
	    {0x64400000, 10}, /* RFC 6598 */
	    {0x7F000000, 8},  /* loopback */
	    {0xA9FE0000, 16}, /* link local */
	    {0xAC100000, 12}, /* RFC 1918 */
	    {0xC0000000, 24}, /* RFC 6890 */
	    {0xC0000200, 24}, /* documentation */
	    {0xC0A80000, 16}, /* RFC 1918 */
	    {0xC6120000, 15}, /* benchmarks */
	    {0xC6336400, 24}, /* documentation */
	    {0xCB007100, 24}, /* documentation */
	    {0xE0000000, 4},  /* multicast */
	    {0xF0000000, 4},  /* reserved, broadcast */
	};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if ((a ^ ranges[i].net) >> (32 - ranges[i].bits) == 0)
			return true;
	return false;
}

/* Only 2000::/3 is global unicast; addresses that carry an IPv4 address
 * (mapped, NAT64, 6to4, Teredo) are judged as private: no public webhook needs
 * them. */
static bool
private_ipv6(const uint8_t a[16])
{
	bool global = (a[0] & 0xE0) == 0x20;
	bool tunnel = (a[0] == 0x20 && a[1] == 0x02) ||
		      (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0 && a[3] == 0);
	bool documentation =
	    a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8;
	return !global || tunnel || documentation;
}

static bool
is_private(const struct curl_sockaddr *address)
{
	if (address->family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, &address->addr, sizeof in);
		return private_ipv4(ntohl(in.sin_addr.s_addr));
	}
	if (address->family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, &address->addr, sizeof in6);
		return private_ipv6(in6.sin6_addr.s6_addr);
	}
	return true;
}

static curl_socket_t
open_any(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)arg;
	(void)purpose;
	return socket(address->family,
	    address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->protocol);
}

static curl_socket_t
open_public(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	return is_private(address) ? CURL_SOCKET_BAD
				   : open_any(arg, purpose, address);
}

bool
courier_rules_set(CURL *easy, const char *url, bool allow_private, long seconds)
{
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
		   allow_private ? "https,http" : "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT, seconds) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION,
		   (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
		   allow_private ? open_any : open_public) == CURLE_OK;
}
