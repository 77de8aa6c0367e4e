// GET /metrics: the totals that the engine and the HTTP server keep, in Prometheus' text format.
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

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
  void gauge(const char* name, const char* help, std::uint64_t value) {
    ClientMetric metric;
    metric.gauge.value = static_cast<double>(value);
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

void add_engine(Families& families, const EngineCounters& engine, std::size_t open_max) {
  families.counter("kontor_requests_submitted_total", "Requests handed to the engine", engine.submitted);
  auto& outcomes = families.add("kontor_outcomes_total", "Requests answered, by outcome", MetricType::Counter);
  Families::add_to(outcomes, engine.committed, {label("outcome", "committed")});
  Families::add_to(outcomes, engine.aborted, {label("outcome", "aborted")});
  Families::add_to(outcomes, engine.unknown, {label("outcome", "unknown")});
  families.counter("kontor_replayed_total", "Requests whose key had its effect before", engine.replayed);
  families.counter("kontor_transactions_begun_total", "Transactions that reached their participants", engine.begun);
  families.counter("kontor_transactions_prepared_total", "Transactions whose every vote was yes", engine.prepared);
  families.gauge("kontor_transactions_open", "Admitted and not answered", engine.open);
  families.gauge("kontor_transactions_open_max", "Beyond so many, new work is refused", open_max);
  families.gauge("kontor_transactions_in_doubt", "Prepared for another shard, decision not known", engine.in_doubt);
  families.counter("kontor_journal_commits_total", "Durable commits of the journals", engine.journal_commits);
  families.counter("kontor_journal_records_total", "Records written", engine.journal_records);
  families.counter("kontor_journal_bytes_total", "Bytes written", engine.journal_bytes);
  families.counter("kontor_checkpoints_total", "Checkpoints written", engine.checkpoints);
  families.gauge("kontor_storage_full", "1: new work is refused for want of room", engine.storage_full ? 1 : 0);
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
  families.gauge("kontor_http_connections", "Connections now", static_cast<std::uint64_t>(stats.open.load()));
  add_latency(families, stats);
  families.gauge("kontor_http_feeds", "Event streams now", feeds);
}

}  // namespace

std::string metrics_text(const Shared& shared) {
  Families families;
  add_engine(families, shared.engine.counters(), kOpenTransactionsMax * shared.engine.shards());
  add_http(families, shared.stats, shared.feeds);
  families.counter("kontor_log_dropped_total", "Lines of the log that were not written: too many, or no room",
                   shared.log ? shared.log->dropped() : 0);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families.all);
  return out.str();
}

}  // namespace kontor::cmd::serve
