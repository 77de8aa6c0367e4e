// GET /metrics: the totals that the engine and the HTTP server keep, in Prometheus' text format.
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "cmd/http/limits.hpp"
#include "cmd/kontor/serve/api.hpp"

namespace kontor::cmd::serve {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric::Label label(const char* name, std::string value) { return {name, std::move(value)}; }

class Families {
 public:
  MetricFamily& add(const char* name, const char* help, MetricType type) {
    return all.emplace_back(MetricFamily{name, help, type, {}});
  }
  void counter(const char* name, const char* help, std::uint64_t value) {
    add_to(add(name, help, MetricType::Counter), value, {});
  }
  void gauge(const char* name, const char* help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  static void add_to(MetricFamily& family, std::uint64_t value, std::vector<ClientMetric::Label> labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
  }

  std::vector<MetricFamily> all;
};

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }
double figure(std::uint64_t count) { return static_cast<double>(count); }
double share(std::uint64_t part, std::uint64_t whole) { return whole == 0 ? 1 : figure(part) / figure(whole); }

void add_outcomes(Families& families, const EngineCounters& engine) {
  families.counter("kontor_requests_submitted_total", "Requests handed to the engine", engine.submitted);
  auto& outcomes = families.add("kontor_outcomes_total", "Requests answered, by outcome", MetricType::Counter);
  Families::add_to(outcomes, engine.committed, {label("outcome", "committed")});
  Families::add_to(outcomes, engine.aborted, {label("outcome", "aborted")});
  Families::add_to(outcomes, engine.unknown, {label("outcome", "unknown")});
  auto& codes = families.add("kontor_aborted_total", "Requests answered as aborted, by code", MetricType::Counter);
  for (std::size_t code = 0; code < engine.aborted_by_code.size(); ++code)
    if (const std::uint64_t count = engine.aborted_by_code[code]; count != 0)
      Families::add_to(codes, count, {label("code", std::string(to_string(static_cast<Errc>(code))))});
  families.counter("kontor_replayed_total", "Requests whose key had its effect before", engine.replayed);
  families.counter("kontor_transactions_begun_total", "Transactions that reached their participants", engine.begun);
  families.counter("kontor_transactions_prepared_total", "Transactions whose every vote was yes", engine.prepared);
  families.gauge("kontor_p1", "P1: share of begun transactions whose every vote was yes, since the start",
                 share(engine.prepared, engine.begun));
  families.gauge("kontor_p2", "P2: share of those that committed", share(engine.committed, engine.prepared));
  families.gauge("kontor_p", "P = P1 * P2",
                 share(engine.prepared, engine.begun) * share(engine.committed, engine.prepared));
}

void add_phases(Families& families, const PhaseLatencies& phases) {
  auto& family =
      families.add("kontor_phase_seconds", "How long each phase of a batch's commit took", MetricType::Histogram);
  const auto add = [&family](const char* phase, const LatencyCounts& took) {
    ClientMetric metric;
    metric.label = {label("phase", phase)};
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < took.counts.size(); ++i) {
      count += took.counts[i];
      const bool last = i == LatencyCounts::kBoundsNs.size();
      const double bound = last ? std::numeric_limits<double>::infinity()
                                : seconds(static_cast<std::uint64_t>(LatencyCounts::kBoundsNs[i]));
      metric.histogram.bucket.push_back({count, bound});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = seconds(took.sum_ns);
    family.metric.push_back(std::move(metric));
  };
  add("voting", phases.voting);
  add("deciding", phases.deciding);
  add("answering", phases.answering);
}

void add_queues(Families& families, const EngineCounters& engine) {
  families.gauge("kontor_transactions_open", "Admitted and not answered", figure(engine.open));
  families.gauge("kontor_transactions_open_max", "Beyond so many, new work is refused", figure(engine.open_max));
  families.gauge("kontor_open_bytes", "Of the requests that are admitted and not answered", figure(engine.open_bytes));
  families.gauge("kontor_open_bytes_max", "Beyond so many, new work is refused", figure(engine.open_bytes_max));
  families.gauge("kontor_gathered", "Requests that wait for the next batch", figure(engine.gathered));
  families.gauge("kontor_gathered_max", "All that may be open may wait", figure(engine.open_max));
  families.gauge("kontor_transactions_in_doubt", "Prepared, decision not known", figure(engine.in_doubt));
  families.gauge("kontor_in_doubt_oldest_seconds", "How long the oldest of them has been so",
                 seconds(static_cast<std::uint64_t>(engine.oldest_doubt_ns)));
}

void add_journal(Families& families, const EngineCounters& engine) {
  families.counter("kontor_journal_commits_total", "Durable commits of the journals", engine.journal_commits);
  families.counter("kontor_journal_records_total", "Records written", engine.journal_records);
  families.counter("kontor_journal_bytes_total", "Bytes written", engine.journal_bytes);
  ClientMetric sync;
  sync.counter.value = seconds(engine.journal_sync_ns);
  families.add("kontor_journal_sync_seconds_total", "Time spent in durable commits", MetricType::Counter)
      .metric.push_back(std::move(sync));
  families.gauge("kontor_journal_queued_bytes", "Not yet written", figure(engine.journal_queued_bytes));
  families.counter("kontor_checkpoints_total", "Checkpoints written", engine.checkpoints);
  families.gauge("kontor_storage_full", "1: new work is refused for want of room", engine.storage_full ? 1 : 0);
}

void add_reservations(Families& families, const EngineCounters& engine, std::size_t shards) {
  families.gauge("kontor_reservations", "Reservations that hold stock", figure(engine.reservations));
  families.gauge("kontor_reservations_max", "Beyond so many, reservations are refused",
                 figure(kReservationsMax * shards));
  families.counter("kontor_reservations_expired_total", "Reservations released because they were late", engine.expired);
}

void add_keys(Families& families, const EngineCounters& engine) {
  families.gauge("kontor_idempotency_keys", "Idempotency keys that are kept", figure(engine.keys_kept));
  families.counter("kontor_idempotency_keys_forgotten_total", "That were let go of: older than they are kept for",
                   engine.keys_forgotten);
}

void add_engine(Families& families, const EngineCounters& engine) {
  add_outcomes(families, engine);
  add_phases(families, engine.phases);
  add_queues(families, engine);
  add_journal(families, engine);
  add_keys(families, engine);
}

/// Of each other member of the cluster, as this node sees it. Whoever is alone has the names without samples: a
/// dashboard is the same for both.
void add_peers(Families& families, const std::vector<PeerStatus>& peers) {
  const auto add = [&](const char* name, const char* help, MetricType type, const auto& value_of) {
    auto& family = families.add(name, help, type);
    for (const PeerStatus& peer : peers) {
      ClientMetric metric;
      metric.label = {label("peer", peer.node)};
      const auto value = static_cast<double>(value_of(peer));
      (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
      family.metric.push_back(std::move(metric));
    }
  };
  const auto gauge = MetricType::Gauge, counter = MetricType::Counter;
  add("kontor_peer_connected", "1: there is a link", gauge, [](const auto& peer) { return peer.connected ? 1 : 0; });
  add("kontor_peer_round_trip_seconds", "Estimated by a Kalman filter", gauge,
      [](const auto& peer) { return static_cast<double>(peer.round_trip.count()) / 1e6; });
  add("kontor_peer_round_trip_deviation_seconds", "Of samples from the estimate", gauge,
      [](const auto& peer) { return static_cast<double>(peer.round_trip_deviation.count()) / 1e6; });
  add("kontor_peer_suspicion", "Phi of its silence: at 8 it is taken for gone", gauge,
      [](const auto& peer) { return peer.suspicion; });
  add("kontor_peer_waiting_bytes", "To be sent", gauge, [](const auto& peer) { return peer.bytes_waiting; });
  add("kontor_peer_questions_open", "Asked and not answered", gauge,
      [](const auto& peer) { return peer.questions_open; });
  add("kontor_peer_connections_total", "Links that came up", counter,
      [](const auto& peer) { return peer.connections; });
  add("kontor_peer_sent_bytes_total", "Sent", counter, [](const auto& peer) { return peer.bytes_sent; });
  add("kontor_peer_heard_bytes_total", "Received", counter, [](const auto& peer) { return peer.bytes_heard; });
  add("kontor_peer_refused_total", "Messages that it had no right to send", counter,
      [](const auto& peer) { return peer.refused; });
  add("kontor_peer_dropped_total", "Messages that found no link", counter,
      [](const auto& peer) { return peer.dropped; });
}

/// Requests answered in one piece, by how long they took.
void add_latency(Families& families, const http::Stats& stats) {
  ClientMetric metric;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < stats.latency.size(); ++i) {
    count += stats.latency[i];
    const bool last = i == http::Stats::kLatencySeconds.size();
    metric.histogram.bucket.push_back(
        {count, last ? std::numeric_limits<double>::infinity() : http::Stats::kLatencySeconds[i]});
  }
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = static_cast<double>(stats.latency_us) / 1e6;
  families.add("kontor_http_request_seconds", "From a request's first byte to its answer", MetricType::Histogram)
      .metric.push_back(std::move(metric));
}

void add_http(Families& families, const http::Stats& stats, std::size_t feeds) {
  auto& responses = families.add("kontor_http_responses_total", "Responses, by status", MetricType::Counter);
  for (unsigned status = http::Stats::kStatusFirst; status < http::Stats::kStatusEnd; ++status)
    if (const std::uint64_t count = stats.responses[status - http::Stats::kStatusFirst]; count != 0)
      Families::add_to(responses, count, {label("status", std::to_string(status))});
  families.counter("kontor_http_connections_accepted_total", "Connections accepted", stats.accepted);
  families.counter("kontor_http_connections_refused_total", "Connections turned away: too many", stats.refused);
  families.gauge("kontor_http_connections", "Connections now", static_cast<double>(stats.open.load()));
  families.gauge("kontor_http_body_bytes", "Of request bodies, held now", figure(stats.body_bytes));
  families.gauge("kontor_http_body_bytes_max", "Beyond so many, requests are refused", figure(http::kBodiesBytesMax));
  families.counter("kontor_http_bodies_refused_total", "There was no room for them", stats.bodies_refused);
  families.counter("kontor_http_bodies_late_total", "They came too slowly", stats.bodies_late);
  add_latency(families, stats);
  families.gauge("kontor_http_feeds", "Event streams now", figure(feeds));
}

template <class Counters>
void add_cache(MetricFamily& reads, MetricFamily& forgotten, MetricFamily& objects, const char* of,
               const Counters& cache) {
  Families::add_to(reads, cache.hits, {label("of", of), label("result", "hit")});
  Families::add_to(reads, cache.misses, {label("of", of), label("result", "miss")});
  Families::add_to(forgotten, cache.forgotten, {label("of", of)});
  ClientMetric metric;
  metric.label = {label("of", of)};
  metric.gauge.value = static_cast<double>(cache.objects);
  objects.metric.push_back(std::move(metric));
}

void add_caches(Families& families, const Objects& caches) {
  MetricFamily reads{"kontor_cache_reads_total", "Objects asked of the read cache", MetricType::Counter, {}};
  MetricFamily forgotten{
      "kontor_cache_forgotten_total", "Kept objects that a request touched", MetricType::Counter, {}};
  MetricFamily objects{"kontor_cache_objects", "Objects kept", MetricType::Gauge, {}};
  add_cache(reads, forgotten, objects, "product", caches.products());
  add_cache(reads, forgotten, objects, "account", caches.accounts());
  add_cache(reads, forgotten, objects, "order", caches.orders());
  families.all.insert(families.all.end(), {reads, forgotten, objects});
}

void add_views(Families& families, const ViewsCounters& views) {
  families.gauge("kontor_views_events", "Committed requests in the views", figure(views.applied));
  families.gauge("kontor_views_lag_events", "Committed in this run and not in the views yet", figure(views.behind));
  families.gauge("kontor_views_bytes", "Size of the views' file", figure(views.bytes));
  families.counter("kontor_views_queries_total", "Lists asked of the views", views.queries);
  families.counter("kontor_views_refused_total", "Lists refused: the log was not taken in in time", views.refused);
  families.counter("kontor_views_rebuilds_total", "Times that the views were made anew", views.rebuilds);
}

}  // namespace

std::string metrics_text(const Shared& shared) {
  Families families;
  const EngineCounters engine = shared.engine.counters();
  add_engine(families, engine);
  add_reservations(families, engine, shared.engine.shards());
  add_peers(families, shared.node ? shared.node->peers() : std::vector<PeerStatus>());
  add_http(families, shared.stats, shared.feeds);
  add_caches(families, shared.objects);
  add_views(families, shared.views.counters());
  families.counter("kontor_http_rate_limited_total", "Refused: the caller asks too often", shared.rate.refused());
  families.gauge("kontor_http_callers", "Whose rate is known one by one", figure(shared.rate.callers()));
  families.gauge("kontor_http_callers_max", "Beyond so many, the others share one rate", figure(kCallersMax));
  families.counter("kontor_log_dropped_total", "Lines of the log that were not written: too many, or no room",
                   shared.log ? shared.log->dropped() : 0);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families.all);
  return out.str();
}

}  // namespace kontor::cmd::serve
