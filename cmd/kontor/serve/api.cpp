#include "cmd/kontor/serve/api.hpp"

#include <charconv>
#include <chrono>

#include <boost/json/serialize.hpp>

#include "cmd/http/host.hpp"
#include "cmd/http/path.hpp"
#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/idempotency.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;
using http::Request;
using http::RequestPtr;
using http::Respond;
using http::Response;

constexpr std::string_view kBatchPath = "/v1/checkouts:batch";

struct Match {
  const PostRoute* post = nullptr;
  const GetRoute* get = nullptr;
  const TaskRoute* task = nullptr;
  bool batch = false;
  std::string allowed;  ///< Methods of this path; empty: there is no such path.
  PathNames path;

  const RouteAccess* access() const {
    if (batch) return access_to("POST", kBatchPath);
    if (post) return access_to("POST", post->path);
    if (task) return access_to("POST", task->path);
    return get ? access_to("GET", get->path) : nullptr;
  }
  /// As in the documentation; empty: there is none.
  std::string_view route() const {
    return batch ? kBatchPath : post ? post->path : task ? task->path : get ? get->path : "";
  }
};

Match match(const Request& request) {
  Match found;
  const auto allow = [&](std::string_view method) {
    found.allowed.append(found.allowed.empty() ? "" : ", ").append(method);
    return request.method == method;
  };
  if (request.path == kBatchPath) {
    found.batch = allow("POST");
    return found;
  }
  for (const PostRoute& route : post_routes())
    if (auto path = http::match_path(route.path, request.path); path && allow("POST"))
      found.post = &route, found.path = std::move(*path);
  for (const TaskRoute& route : task_routes())
    if (auto path = http::match_path(route.path, request.path); path && allow("POST"))
      found.task = &route, found.path = std::move(*path);
  for (const GetRoute& route : get_routes())
    if (auto path = http::match_path(route.path, request.path); path && allow("GET"))
      found.get = &route, found.path = std::move(*path);
  return found;
}

std::string_view media_type(const Request& request) {
  const std::string* field = request.field("Content-Type");
  if (!field) return {};
  std::string_view type = *field;
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

/// A page of another site must not reach this server through a name of its own that it lets mean 127.0.0.1.
bool is_local_host(std::string_view host) {
  const auto bracket = host.starts_with('[') ? host.find(']') : host.npos;
  host = bracket != host.npos ? host.substr(1, bracket - 1) : host.substr(0, host.find(':'));
  return http::is_loopback_host(host);
}

/// Without keys everybody who reaches the server may do everything, so it is this machine's only. A page of another
/// site has no key to send.
std::optional<Problem> host_problem(const Request& request, const KeyRingPtr& keys) {
  const std::string* host = request.field("Host");
  if (keys || (host && is_local_host(*host))) return {};
  return Problem{Errc::invalid_argument, "served under the names of this machine only", "Host", 421, {}};
}

/// What speaks against the request as its header alone tells. `match` is its route, if it has one.
std::optional<Problem> header_problem(const Request& request, const Match& found, const Principal& who) {
  if (found.allowed.empty()) return Problem{Errc::not_found, "there is no such path", {}, 0, {}};
  if (!found.post && !found.get && !found.task && !found.batch)
    return Problem{Errc::invalid_argument, "the path has no such method", {}, 405, {}};
  if (scope_of(found.access(), who) == Scope::none)
    return Problem{Errc::invalid_argument, "not with a key of this role", "Authorization", 403, {}};
  if (!request.query.empty() && (!found.get || found.get->query.empty()))
    return Problem{Errc::invalid_argument, "the path takes no query", "query", 0, {}};
  const std::string_view wanted = found.batch ? "application/x-ndjson" : "application/json";
  const bool body_is_there = request.field("Transfer-Encoding") ||
                             (request.field("Content-Length") && *request.field("Content-Length") != "0");
  if (found.get && body_is_there) return Problem{Errc::invalid_argument, "a GET has no body", {}, 0, {}};
  if (found.task && body_is_there) return Problem{Errc::invalid_argument, "the path takes no body", {}, 0, {}};
  const bool may_be_left_out = found.post && found.post->body_optional && !body_is_there;
  if (!found.get && !found.task && !may_be_left_out && media_type(request) != wanted)
    return Problem{Errc::invalid_argument, std::string(wanted) + " is needed", "Content-Type", 415, {}};
  return {};
}

/// Who sends the request. None: it needs a key and has no good one. What is open to all has a caller without one.
std::optional<Principal> caller(const Request& request, const Match& found, const KeyRingPtr& keys) {
  const RouteAccess* access = found.access();
  return authenticate(access && access->open ? nullptr : keys, request);
}

/// Whoever watches over the server must not find it dead because its address asks too often.
bool is_probe(const Match& found) { return found.route() == "/healthz" || found.route() == "/readyz"; }

constexpr const char* kIfMatch = "If-Match";

/// A price may be changed on condition that the product is still as it was read: its ETag is its version.
void apply_condition(const Request& request, Operation& operation, Refusal& refusal) {
  const std::string* tag = request.field(kIfMatch);
  if (!tag) return;
  auto* change = std::get_if<SetPrice>(&operation);
  if (!change) return refusal.set(Errc::invalid_argument, kIfMatch, "only a change of price has a condition");
  const auto version = version_of_etag(*tag);
  if (!version || request.count(kIfMatch) > 1)
    return refusal.set(Errc::invalid_argument, kIfMatch, "one ETag of the product is needed");
  if (change->expected_version != 0 && change->expected_version != *version)
    return refusal.set(Errc::invalid_argument, kIfMatch, "expected_version says otherwise");
  change->expected_version = *version;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

/// The client's key; refused unless there is exactly one.
std::string_view client_key(const Request& request, Refusal& refusal) {
  constexpr const char* kName = "Idempotency-Key";
  const std::string* key = request.field(kName);
  if (!key)
    refusal.set(Errc::invalid_argument, kName, "the header is missing: it makes sending again safe");
  else if (request.count(kName) > 1 || !is_client_key(*key))
    refusal.set(Errc::invalid_argument, kName, "one key of 1 to 255 visible ASCII characters is needed");
  return key ? *key : std::string_view();
}

/// What the log calls it.
std::string subject_of(const Outcome& outcome) {
  return outcome.transaction ? transaction_text(outcome.transaction) : std::string();
}

}  // namespace

Terms terms_of(const Request& request, Refusal& refusal) {
  Terms terms;
  if (const std::string* text = request.field("Kontor-Protocol")) {
    const auto protocol = commit::parse_protocol(*text);
    if (protocol)
      terms.protocol = *protocol;
    else
      refusal.set(Errc::invalid_argument, "Kontor-Protocol", "two_phase, three_phase or three_phase_optimised");
  }
  if (const std::string* text = request.field("Kontor-Deadline-Ms")) {
    const auto ms = number_in(*text);
    if (!ms || *ms < 1 || *ms > kDeadlineMsMax)
      refusal.set(Errc::invalid_argument, "Kontor-Deadline-Ms", "an integer from 1 to 600000 is needed");
    else
      terms.deadline_ns = (std::chrono::system_clock::now() + std::chrono::milliseconds(*ms)).time_since_epoch() /
                          std::chrono::nanoseconds(1);
  }
  return terms;
}

Problem unauthorized() {
  return {Errc::invalid_argument, "an API key is needed, as Authorization: Bearer", "Authorization", 401, {}};
}

std::optional<Problem> rate_problem(Shared& shared, const Request& request, const std::optional<Principal>& who) {
  if (!shared.rate.is_on()) return {};
  const bool known = who && !who->key.empty();
  const std::string caller = known ? "key " + who->key : "address " + network_of(request.address);
  const unsigned wait_s = shared.rate.wait_s(caller, std::chrono::steady_clock::now());
  if (wait_s == 0) return {};
  return Problem{Errc::rate_limited, "more requests than this server takes of one caller", {}, 0, {}, {}, wait_s};
}

std::vector<RouteName> all_routes() {
  std::vector<RouteName> routes{{"POST", kBatchPath}};
  for (const PostRoute& route : post_routes()) routes.push_back({"POST", route.path});
  for (const TaskRoute& route : task_routes()) routes.push_back({"POST", route.path});
  for (const GetRoute& route : get_routes()) routes.push_back({"GET", route.path});
  return routes;
}

Response json_response(const json::object& object) {
  Response response;
  response.body = json::serialize(object);
  return response;
}

Response Api::refuse(const Request& request, unsigned status, std::string_view detail) {
  return problem_response({code_of_refusal(status), std::string(detail), {}, status, {}}, request);
}

namespace {
void begin(const Read& read, const TaskRoute& task) {
  Refusal refusal;
  const std::string_view key = client_key(*read.request, refusal);
  if (refusal) return read.respond(problem_response(refusal.problem(), *read.request));
  task.begin(read, key);
}
}  // namespace

http::Opening Api::open(const RequestPtr& request) {
  http::Opening opening;
  Match found = match(*request);
  opening.route = found.route();
  Refusal refusal;
  const KeyRingPtr keys = shared_.keys.get();
  const auto who = caller(*request, found, keys);
  if (!is_probe(found))
    if (auto problem = rate_problem(shared_, *request, who)) refusal.set(std::move(*problem));
  if (auto problem = host_problem(*request, keys)) refusal.set(std::move(*problem));
  if (!who) refusal.set(unauthorized());
  if (!refusal)
    if (auto problem = header_problem(*request, found, *who)) refusal.set(std::move(*problem));
  const Terms terms = found.batch ? terms_of(*request, refusal) : Terms{};
  if (refusal) {
    opening.refusal = std::make_unique<Response>(problem_response(refusal.problem(), *request));
    if (refusal.problem().status == 405) opening.refusal->fields.push_back({"Allow", found.allowed});
    return opening;
  }
  if (!found.batch) {
    opening.handle = [this, request, found = std::move(found)](Respond respond) {
      // Again: a key may have been revoked while the body came, and the caller is known by nothing else.
      const auto sender = caller(*request, found, shared_.keys.get());
      if (!sender || scope_of(found.access(), *sender) == Scope::none)
        return respond(problem_response(unauthorized(), *request));
      if (found.get) return found.get->read({shared_, post_, found.path, found.get->query, request, respond, *sender});
      if (found.task) return begin({shared_, post_, found.path, {}, request, respond, *sender}, *found.task);
      change(*found.post, found.path, request, *sender, std::move(respond));
    };
    return opening;
  }
  opening.content_type = "application/x-ndjson";
  opening.stream = checkout_stream(shared_, submitter_, terms, request);
  return opening;
}

void Api::change(const PostRoute& route, const PathNames& path, const RequestPtr& request, const Principal& who,
                 Respond respond) {
  Refusal refusal;
  const std::string_view key = client_key(*request, refusal);
  const Terms terms = terms_of(*request, refusal);
  Operation operation;
  if (!refusal) operation = operation_in(route, path, request->body, refusal);
  if (!refusal) apply_condition(*request, operation, refusal);
  if (!refusal)
    if (auto problem = serve::refuse(who, operation)) refusal.set(std::move(*problem));
  if (refusal) return respond(problem_response(refusal.problem(), *request));
  const auto order = order_amended(operation);
  kontor::Request wanted{engine_key(caller_of(who), route.path, path, key), std::move(operation), terms.deadline_ns,
                         terms.protocol};
  if (order && scope_of(access_to("POST", route.path), who) == Scope::own)
    return amend(std::move(wanted), *order, request, who, respond);
  submit(std::move(wanted), request, respond);
}

/// Whose the order is must be seen first. That never changes, so nothing can come between.
void Api::amend(kontor::Request wanted, const OrderId& order, const RequestPtr& request, const Principal& who,
                const Respond& respond) {
  shared_.engine.order(order, [this, wanted = std::move(wanted), request, who, respond](const Result<Order>& found) {
    auto problem = found ? serve::refuse(who, *found, wanted.operation) : Problem{found.code(), {}, {}, 0, {}};
    post_([this, wanted, request, respond, problem = std::move(problem)] {
      if (problem) return respond(problem_response(*problem, *request));
      submit(wanted, request, respond);
    });
  });
}

void Api::submit(kontor::Request wanted, const RequestPtr& request, const Respond& respond) {
  submitter_.submit(std::move(wanted), [this, request, respond](const kontor::Request& asked, const Outcome& outcome) {
    settle(outcome, asked.operation, request, respond);
  });
}

void Api::settle(const Outcome& outcome, const Operation& operation, const RequestPtr& request,
                 const Respond& respond) {
  if (outcome.verdict == Verdict::committed) return respond(receipt(operation, outcome));
  if (outcome.error.code == Errc::price_changed) return tell_price(outcome, operation, request, respond);
  Response response = problem_response(problem_of(outcome, operation, shared_.engine.shards()), *request);
  response.subject = subject_of(outcome);
  if (outcome.verdict == Verdict::unknown)
    if (auto location = location_of(outcome.transaction)) response.fields.push_back({"Location", *location});
  respond(std::move(response));
}

/// The refusal knows the new version; the price itself is asked for.
void Api::tell_price(const Outcome& outcome, const Operation& operation, const RequestPtr& request,
                     const Respond& respond) {
  Problem problem = problem_of(outcome, operation, shared_.engine.shards());
  if (request->field(kIfMatch)) problem.status = 412;
  const auto sku = sku_in_question(outcome, operation, shared_.engine.shards());
  if (!sku) return respond(problem_response(problem, *request));
  shared_.objects.product(*sku, [post = post_, problem, request, respond](const Result<Product>& product) mutable {
    if (product) {
      problem.more["current_price"] = to_json(Money{product->price, product->currency});
      problem.more["current_version"] = product->version;
    }
    post([problem = std::move(problem), request, respond] { respond(problem_response(problem, *request)); });
  });
}

}  // namespace kontor::cmd::serve
