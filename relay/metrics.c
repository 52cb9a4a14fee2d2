#include "relay/metrics.h"

#include "base/clock.h"
#include "relay/net.h"
#include "relay/submission.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUTES_MAX 64 /* rows of routes_table, and one for no route */
#define CLASSES 6     /* status / 100; 0: the client left */
#define NO_ROUTE "none"

/* Upper ends of the histogram in milliseconds. */
static const int64_t bounds_ms[] = {
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000};
#define BOUNDS (sizeof bounds_ms / sizeof *bounds_ms)

struct route_counts {
	const char *route; /* static text; NULL: free */
	uint64_t requests[CLASSES];
	uint64_t within[BOUNDS]; /* not cumulated */
	uint64_t count;
	int64_t sum_ms;
	uint64_t bytes_in;
	uint64_t bytes_out;
};

struct metrics {
	struct route_counts routes[ROUTES_MAX];
	uint64_t refused[CLASSES];
	int64_t started_ms;
};

struct metrics *
metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);
	if (metrics != NULL)
		metrics->started_ms = clock_wall_ms();
	return metrics;
}

void
metrics_free(struct metrics *metrics)
{
	free(metrics);
}

static size_t
status_class(unsigned status)
{
	return status / 100 < CLASSES ? status / 100 : 5;
}

static struct route_counts *
counts_of(struct metrics *metrics, const char *route)
{
	if (route == NULL)
		route = NO_ROUTE;
	for (size_t i = 0; i < ROUTES_MAX; i++) {
		struct route_counts *at = &metrics->routes[i];
		if (at->route == NULL)
			at->route = route;
		if (strcmp(at->route, route) == 0)
			return at;
	}
	return NULL;
}

void
metrics_request(struct metrics *metrics, const struct http_record *record)
{
	struct route_counts *at = counts_of(metrics, record->route);
	if (at == NULL)
		return;
	at->requests[status_class(record->status)]++;
	at->count++;
	at->sum_ms += record->ms;
	at->bytes_in += record->bytes_in;
	at->bytes_out += record->bytes_out;
	for (size_t i = 0; i < BOUNDS; i++)
		if (record->ms <= bounds_ms[i]) {
			at->within[i]++;
			break;
		}
}

void
metrics_refused(struct metrics *metrics, unsigned status)
{
	metrics->refused[status_class(status)]++;
}

/* ---- text ---- */

static void
head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP budstikke_%s %s\n# TYPE budstikke_%s %s\n",
	    name, help, name, type);
}

static void
gauge(struct buf *out, const char *name, uint64_t value, const char *help)
{
	head(out, name, "gauge", help);
	buf_printf(out, "budstikke_%s %" PRIu64 "\n", name, value);
}

static void
requests_build(const struct metrics *metrics, struct buf *out)
{
	head(out, "http_requests_total", "counter",
	    "Requests by route and class of status; class 0 left early.");
	for (size_t i = 0; i < ROUTES_MAX && metrics->routes[i].route; i++)
		for (size_t c = 0; c < CLASSES; c++)
			if (metrics->routes[i].requests[c] > 0)
				buf_printf(out,
				    "budstikke_http_requests_total{route=\"%s\""
				    ",class=\"%zu\"} %" PRIu64 "\n",
				    metrics->routes[i].route, c,
				    metrics->routes[i].requests[c]);
	head(out, "http_refused_total", "counter",
	    "Streams that never became a request, by class of status.");
	for (size_t c = 0; c < CLASSES; c++)
		buf_printf(out,
		    "budstikke_http_refused_total{class=\"%zu\"} %" PRIu64 "\n",
		    c, metrics->refused[c]);
}

static void
seconds_build(const struct metrics *metrics, struct buf *out)
{
	head(out, "http_request_seconds", "histogram",
	    "Time from a request's header to the end of its answer.");
	for (size_t i = 0; i < ROUTES_MAX && metrics->routes[i].route; i++) {
		const struct route_counts *at = &metrics->routes[i];
		uint64_t sum = 0;
		for (size_t b = 0; b < BOUNDS; b++) {
			sum += at->within[b];
			buf_printf(out,
			    "budstikke_http_request_seconds_bucket{route=\"%s\""
			    ",le=\"%g\"} %" PRIu64 "\n",
			    at->route, (double)bounds_ms[b] / 1000, sum);
		}
		buf_printf(out,
		    "budstikke_http_request_seconds_bucket{route=\"%s\","
		    "le=\"+Inf\"} %" PRIu64 "\n"
		    "budstikke_http_request_seconds_sum{route=\"%s\"} %g\n"
		    "budstikke_http_request_seconds_count{route=\"%s\"} "
		    "%" PRIu64 "\n",
		    at->route, at->count, at->route, (double)at->sum_ms / 1000,
		    at->route, at->count);
	}
}

static void
bytes_build(const struct metrics *metrics, struct buf *out)
{
	head(out, "http_bytes_total", "counter",
	    "Bytes of bodies by route and direction.");
	for (size_t i = 0; i < ROUTES_MAX && metrics->routes[i].route; i++)
		buf_printf(out,
		    "budstikke_http_bytes_total{route=\"%s\",direction=\"in\"}"
		    " %" PRIu64 "\n"
		    "budstikke_http_bytes_total{route=\"%s\",direction=\"out\"}"
		    " %" PRIu64 "\n",
		    metrics->routes[i].route, metrics->routes[i].bytes_in,
		    metrics->routes[i].route, metrics->routes[i].bytes_out);
}

static void
deliveries_build(const struct spool_stats *stats, struct buf *out)
{
	head(out, "deliveries", "gauge", "Deliveries by state.");
	for (unsigned s = SPOOL_ACCEPTED; s < SPOOL_STATES; s++)
		buf_printf(out,
		    "budstikke_deliveries{state=\"%s\"} %" PRIu64 "\n",
		    spool_state_name((enum spool_state)s),
		    stats->counts.now[s]);
	head(out, "deliveries_accepted_total", "counter",
	    "Deliveries ever accepted: the sum of all states.");
	buf_printf(out, "budstikke_deliveries_accepted_total %" PRIu64 "\n",
	    stats->counts.accepted);
	gauge(out, "deliveries_unproven", stats->counts.unproven,
	    "Imported deliveries whose recipient gave no proof.");
}

static void
store_build(struct net *net, struct buf *out)
{
	struct spool_stats stats;
	if (spool_view_begin(net->view, NULL) != 0)
		return;
	int code = spool_view_stats(net->view, &stats, NULL);
	spool_view_end(net->view);
	gauge(out, "store_readable", code == 0, "1 when the store answers.");
	if (code != 0)
		return;
	deliveries_build(&stats, out);
	gauge(out, "alarms_firing", stats.alarms_firing, "Alarms that fire.");
	gauge(out, "notices_waiting", stats.notices,
	    "Notices that no webhook has taken yet.");
	gauge(out, "waiting_bytes", stats.counts.waiting_bytes,
	    "Sealed bytes of deliveries that wait.");
	gauge(out, "oldest_waiting_seconds",
	    stats.oldest_waiting_ms == 0
		? 0
		: (uint64_t)((clock_wall_ms() - stats.oldest_waiting_ms) /
			     1000),
	    "Age of the oldest delivery that waits.");
	gauge(out, "store_map_bytes", stats.map_bytes, "Most it can hold.");
	gauge(out, "store_file_bytes", stats.file_bytes, "What it touched.");
	gauge(out, "store_free_bytes", stats.free_bytes, "Room in the map.");
	gauge(out, "store_disk_bytes", stats.disk_bytes,
	    "Free in the file system.");
	gauge(out, "store_readers", stats.readers, "Readers of the store.");
}

void
metrics_build(struct net *net, struct buf *out)
{
	const struct metrics *metrics = net->metrics;
	head(out, "start_time_seconds", "gauge",
	    "When the net process started, seconds since 1970.");
	buf_printf(out, "budstikke_start_time_seconds %.3f\n",
	    (double)metrics->started_ms / 1000);
	gauge(out, "connections", http_connections(net->http),
	    "Open connections on the public listeners.");
	gauge(out, "submissions", submissions_count(net),
	    "Submissions under way.");
	requests_build(metrics, out);
	seconds_build(metrics, out);
	bytes_build(metrics, out);
	store_build(net, out);
}
