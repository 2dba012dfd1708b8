/* The house: asking the bot over HTTP, and bringing it webhooks. */
#include "tests/integration/look.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static size_t keep(char *data, size_t one, size_t n, void *ctx)
{
	if (ctx)
		str_add(ctx, data, one * n);
	return one * n;
}

long house_get(struct house *h, const char *path, struct str *ret)
{
	CLEANUP(free) char *url = str_format("%s%s", h->url, path);
	CURL *curl = curl_easy_init();
	long status = 0;

	assert_non_null(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

json_t *house_json(struct house *h, const char *path)
{
	CLEANUP(str_release) struct str text = STR_INIT(4u << 20);
	struct error e = ERROR_INIT;
	json_t *ret;

	house_get(h, path, &text);
	ret = js_parse(text.text, text.len, &e);
	if (!ret)
		look_fail(h, e.text);
	return ret;
}

static struct curl_slist *delivery_headers(const char *event, const char *text)
{
	static int count;
	unsigned char mac[32];
	unsigned int len = sizeof(mac);
	char hex[65], line[200];
	struct curl_slist *list;

	assert_non_null(HMAC(EVP_sha256(), HOUSE_SECRET, strlen(HOUSE_SECRET),
			     (const unsigned char *)text, strlen(text), mac,
			     &len));
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	snprintf(line, sizeof(line), "X-Hub-Signature-256: sha256=%s", hex);
	list = curl_slist_append(NULL, line);
	snprintf(line, sizeof(line), "X-GitHub-Event: %s", event);
	list = curl_slist_append(list, line);
	snprintf(line, sizeof(line), "X-GitHub-Delivery: by-hand-%d", ++count);
	list = curl_slist_append(list, line);
	return curl_slist_append(list, "Content-Type: application/json");
}

long house_deliver_text(struct house *h, const char *event, const char *text)
{
	CLEANUP(free) char *url = str_format("%s/webhook", h->url);
	struct curl_slist *headers = delivery_headers(event, text);
	CURL *curl = curl_easy_init();
	long status = 0;

	assert_non_null(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, NULL);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

long house_deliver(struct house *h, const char *event, const json_t *payload)
{
	CLEANUP(free) char *text = js_dump(payload);

	return house_deliver_text(h, event, text);
}
