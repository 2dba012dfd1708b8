#include "tests/demo/web.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t keep(char *data, size_t one, size_t n, void *ctx)
{
	struct str *body = ctx;

	if (body)
		str_add(body, data, one * n);
	/* An answer above the ceiling ends the transfer. */
	return body && body->failed ? 0 : one * n;
}

long web_get(const char *url, long timeout_ms, struct str *body)
{
	CURL *curl = curl_easy_init();
	long status = 0;

	if (!curl)
		return 0;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

int web_bind(int *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
			getsockname(fd, (struct sockaddr *)&at, &len))) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(at.sin_port);
	return fd;
}
