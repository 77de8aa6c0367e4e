#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "actors/cluster/node.hpp"
#include "actors/engine.hpp"
#include "cmd/http/message.hpp"
#include "cmd/http/stats.hpp"
#include "cmd/kontor/serve/access.hpp"
#include "cmd/kontor/serve/audits.hpp"
#include "cmd/kontor/serve/decode.hpp"
#include "cmd/kontor/serve/journal_watch.hpp"
#include "cmd/kontor/serve/key_ring.hpp"
#include "cmd/kontor/serve/problem.hpp"
#include "cmd/kontor/serve/rate_limit.hpp"
#include "cmd/kontor/serve/request_log.hpp"
#include "cmd/kontor/serve/submitter.hpp"

namespace kontor::cmd::serve {

inline constexpr std::size_t kFeedsMax = 64;  // Event streams at a time: each asks the engine five times a second.
inline constexpr std::int64_t kDeadlineMsMax = 600'000;  // Of Kontor-Deadline-Ms: ten minutes.

/// What all lanes share. Outlives them.
struct Shared {
  Engine& engine;
  const http::Stats& stats;
  Objects& objects;
  Views& views;
  Audits& audits;
  const std::shared_ptr<Log> log;  ///< nullptr: none is kept.
  RateLimit rate;
  const std::shared_ptr<Node> node;  ///< nullptr: the engine is alone.
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> feeds{0};  ///< Being told, of at most kFeedsMax.
  CurrentKeys keys;
  JournalWatch journal{};
};

/// What a request's headers say beside its operation.
struct Terms {
  std::int64_t deadline_ns = 0;
  std::optional<commit::Protocol> protocol;
};
Terms terms_of(const http::Request& request, Refusal& refusal);

/// A route: for the router and for whoever holds the documentation against it.
struct RouteName {
  std::string_view method, path;
};
std::vector<RouteName> all_routes();

/// Answers the requests of one lane.
class Api : public http::Service {
 public:
  Api(Shared& shared, http::Post post)
      : shared_(shared), post_(post), submitter_(shared.engine, shared.objects, std::move(post)), log_(shared.log) {}

  http::Opening open(const http::RequestPtr& request) override;
  http::Response refuse(const http::Request& request, unsigned status, std::string_view detail) override;
  void answered(const http::Request& request, const http::Response& response, std::chrono::nanoseconds took) override {
    log_.answered(request, response, took);
  }
  void turned_away(const std::string& address) override { log_.turned_away(address); }

 private:
  void change(const PostRoute& route, const PathNames& path, const http::RequestPtr& request, const Principal& who,
              http::Respond respond);
  void amend(kontor::Request wanted, const OrderId& order, const http::RequestPtr& request, const Principal& who,
             const http::Respond& respond);
  void submit(kontor::Request wanted, const http::RequestPtr& request, const http::Respond& respond);
  void settle(const Outcome& outcome, const Operation& operation, const http::RequestPtr& request,
              const http::Respond& respond);
  void tell_price(const Outcome& outcome, const Operation& operation, const http::RequestPtr& request,
                  const http::Respond& respond);

  Shared& shared_;
  const http::Post post_;
  Submitter submitter_;
  RequestLog log_;
};

/// What a read route needs.
struct Read {
  Shared& shared;
  const http::Post& post;
  const PathNames& path;
  std::span<const std::string_view> query;
  const http::RequestPtr& request;
  const http::Respond& respond;
  const Principal& who;
};
struct GetRoute {
  std::string_view path;
  void (*read)(const Read& read);
  std::span<const std::string_view> query = {};  ///< What it may be asked with.
};
std::span<const GetRoute> get_routes();

/// What is posted and is no transaction: begun, then asked for. Takes a key and no body.
struct TaskRoute {
  std::string_view path;
  void (*begin)(const Read& read, std::string_view key);
};
std::span<const TaskRoute> task_routes();

/// The body of `POST /v1/checkouts:batch`, whose header is `request`. `shared` and `submitter` outlive it.
std::unique_ptr<http::LineStream> checkout_stream(Shared& shared, Submitter& submitter, const Terms& terms,
                                                  http::RequestPtr request);

/// Why nothing is done for a caller that asks too often. None: it does not, and this was counted. `who`: none: it has
/// no good key.
std::optional<Problem> rate_problem(Shared& shared, const http::Request& request, const std::optional<Principal>& who);

/// Why nothing is done for whoever sends no good key: the same for each way to have none.
Problem unauthorized();

http::Response json_response(const boost::json::object& object);
/// Prometheus' text format.
std::string metrics_text(const Shared& shared);
/// docs/openapi.json, as it was when the program was built.
std::string_view openapi_text();

}  // namespace kontor::cmd::serve
