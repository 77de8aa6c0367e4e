// What is asked and changes nothing.
#include <array>
#include <chrono>
#include <cmath>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/api.hpp"
#include "cmd/kontor/serve/doubt_routes.hpp"
#include "cmd/kontor/serve/event_log.hpp"
#include "cmd/kontor/serve/list_query.hpp"
#include "cmd/kontor/serve/member_routes.hpp"
#include "cmd/kontor/serve/move_routes.hpp"
#include "cmd/kontor/serve/product_list.hpp"
#include "cmd/kontor/serve/view_lists.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

Problem missing(Errc code) { return {code, {}, {}, 0, {}}; }

http::Response whole(const json::object& object) { return json_response(object); }
http::Response whole(http::Response response) { return response; }

/// Answers with what the engine read, on the lane. `view` makes an object or a response of it.
template <class Value, class View>
OnRead<Value> answer_with(const Read& read, View view) {
  return [post = read.post, request = read.request, respond = read.respond, view](const Result<Value>& value) {
    http::Response response = value ? whole(view(*value)) : problem_response(missing(value.code()), *request);
    post([respond, response = std::move(response)] { respond(response); });
  };
}

/// True: the name in the path cannot be one, and that is answered.
bool refused(const Read& read, const Refusal& refusal) {
  if (refusal) read.respond(problem_response(refusal.problem(), *read.request));
  return static_cast<bool>(refusal);
}

void read_product(const Read& read) {
  Refusal refusal;
  const Sku sku = sku_in_path(read.path[0], refusal);
  if (refused(read, refusal)) return;
  read.shared.objects.product(sku, answer_with<Product>(read, [](const Product& product) {
                                http::Response response = json_response(product_json(product));
                                response.fields.push_back({"ETag", etag_of(product)});
                                return response;
                              }));
}

void read_stock(const Read& read) {
  Refusal refusal;
  const Sku sku = sku_in_path(read.path[0], refusal);
  if (!refused(read, refusal)) read.shared.objects.product(sku, answer_with<Product>(read, stock_json));
}

void read_account(const Read& read) {
  Refusal refusal;
  const AccountId id = account_in_path(read.path[0], refusal);
  if (!is_own(read.who, id)) refusal.set(missing(Errc::unknown_account));
  if (refused(read, refusal)) return;
  read.shared.objects.account(id, answer_with<Account>(read, [](const Account& account) { return to_json(account); }));
}

void read_order(const Read& read) {
  Refusal refusal;
  const OrderId id = order_in_path(read.path[0], refusal);
  if (refused(read, refusal)) return;
  const auto tell = answer_with<Order>(read, [](const Order& order) { return to_json(order); });
  read.shared.objects.order(id, [tell, who = read.who](const Result<Order>& order) {
    tell(order && !is_own(who, order->checkout) ? Error{Errc::unknown_order, {}} : order);
  });
}

/// An order that began otherwise is no reservation.
void read_reservation(const Read& read) {
  Refusal refusal;
  const OrderId id = reservation_in_path(read.path[0], refusal);
  if (refused(read, refusal)) return;
  const auto tell = answer_with<Order>(read, reservation_json);
  read.shared.engine.order(id, [tell, who = read.who, &objects = read.shared.objects](const Result<Order>& order) {
    if (order) objects.forget(*order);  // It may have lapsed, of which nobody was told.
    const bool known = order && order->expires_at_ns != 0 && is_own(who, order->checkout);
    tell(order && !known ? Error{Errc::unknown_order, {}} : order);
  });
}

/// Of what amends an order: whose it is says only the order.
void tell_if_own_order(Engine& engine, const OrderId& id, const Principal& who, const Result<TransactionRecord>& record,
                       const OnRead<TransactionRecord>& tell) {
  engine.order(id, [who, record, tell](const Result<Order>& order) {
    if (!order && order.code() != Errc::unknown_order) return tell(order.error());
    tell(order && is_own(who, order->checkout) ? record : Error{Errc::not_found, {}});
  });
}

void read_transaction(const Read& read) {
  const auto id = parse_transaction(read.path[0]);
  Refusal refusal;
  if (!id || !*id || !read.path[0].starts_with("txn_")) refusal.set(missing(Errc::not_found));
  if (refused(read, refusal)) return;
  const auto view = [](const TransactionRecord& record) { return to_json(record); };
  // Whoever hears of it must not find anything older.
  const auto tell = [answer = answer_with<TransactionRecord>(read, view),
                     &objects = read.shared.objects](const Result<TransactionRecord>& record) {
    if (const auto order = record ? objects.forget(record->operation, record->id) : std::nullopt)
      return objects.forget_parties(*order, [answer, record] { answer(record); });
    answer(record);
  };
  if (read.who.role == Role::admin) return read.shared.engine.transaction(*id, tell);
  read.shared.engine.transaction(*id, [tell, who = read.who, post = read.post,
                                       &engine = read.shared.engine](const Result<TransactionRecord>& record) {
    const auto order = record ? order_amended(record->operation) : std::nullopt;
    if (order) return post([=, &engine] { tell_if_own_order(engine, *order, who, record, tell); });
    tell(record && !is_own(who, record->operation) ? Error{Errc::not_found, {}} : record);
  });
}

constexpr std::array<std::string_view, 2> kEventQuery{"after", "limit"};
constexpr std::size_t kEventsUsual = 100;

bool wants_feed(const http::Request& request) {
  const std::string* accept = request.field("Accept");
  return accept && accept->find("text/event-stream") != std::string::npos;
}

/// Where to go on: a client whose feed was cut says how far it came in a header.
EventCursor cursor_of(const Read& read, const Query& query, bool feed, Refusal& refusal) {
  const std::uint16_t shards = read.shared.engine.shards();
  const std::string* resumed = feed ? read.request->field("Last-Event-ID") : nullptr;
  const auto text = resumed ? std::optional(*resumed) : query.text("after");
  if (!text) return EventCursor(shards);
  const auto cursor = EventCursor::parse(*text, shards);
  if (!cursor) refusal.set(Errc::invalid_argument, resumed ? "Last-Event-ID" : "after", "it is no cursor of this log");
  return cursor.value_or(EventCursor(shards));
}

void read_events(const Read& read) {
  Refusal refusal;
  const Query query(read.request->query, read.query, refusal);
  const std::size_t limit = query.integer("limit", 1, kEventsMax, kEventsUsual);
  const bool feed = wants_feed(*read.request);
  const EventCursor cursor = cursor_of(read, query, feed, refusal);
  if (feed && read.shared.feeds >= kFeedsMax)
    refusal.set({Errc::overloaded, "too many event streams are open", {}, 0, {}});
  if (refused(read, refusal)) return;
  if (feed) {
    http::Response response;
    response.content_type = "text/event-stream";
    response.fields.push_back({"Cache-Control", "no-store"});
    response.feed = event_feed(read.shared, read.request, read.post, cursor);
    return read.respond(std::move(response));
  }
  read_log(read.shared.engine, read.shared.objects, read.post, cursor, limit,
           [request = read.request, respond = read.respond](const Result<LogStretch>& stretch) {
             if (!stretch) return respond(problem_response({stretch.code(), {}, {}, 0, {}}, *request));
             json::array data;
             for (const LoggedEvent& event : stretch->events) data.push_back(to_json(event));
             respond(json_response({{"object", "list"},
                                    {"data", std::move(data)},
                                    {"has_more", stretch->more},
                                    {"cursor", stretch->reached.text()}}));
           });
}

void begin_audit(const Read& read, std::string_view key) {
  const auto id = read.shared.audits.begin(key);
  const auto audit = id ? read.shared.audits.tell(*id) : std::nullopt;
  if (!audit)
    return read.respond(problem_response({id.code(), std::string(id.error().detail), {}, 0, {}}, *read.request));
  http::Response response = json_response(*audit);
  response.status = 201;
  response.fields.push_back({"Location", "/v1/audits/" + *id});
  read.respond(std::move(response));
}

void read_audit(const Read& read) {
  const auto audit = read.shared.audits.tell(read.path[0]);
  read.respond(audit ? json_response(*audit) : problem_response(missing(Errc::not_found), *read.request));
}

void read_health(const Read& read) { read.respond(json_response({{"status", "alive"}})); }

void read_readiness(const Read& read) {
  if (read.shared.draining)
    return read.respond(problem_response({Errc::shutting_down, "the server is draining", {}, 0, {}}, *read.request));
  if (read.shared.engine.counters().storage_full)
    return read.respond(problem_response({Errc::storage_full, "no room for new work", {}, 0, {}}, *read.request));
  if (!read.shared.journal.moves(read.shared.engine.counters(), std::chrono::steady_clock::now()))
    return read.respond(
        problem_response({Errc::io_error, "requests wait, and the journal stands still", {}, 503, {}}, *read.request));
  read.respond(json_response({{"status", "ready"}}));
}

void read_metrics(const Read& read) {
  http::Response response;
  response.content_type = "text/plain; version=0.0.4";
  response.body = metrics_text(read.shared);
  read.respond(std::move(response));
}

/// What this node knows of the cluster; the others may know more, or less.
void read_cluster(const Read& read) {
  json::array members;
  const Node* node = read.shared.node.get();
  const auto told = node ? node->peers() : std::vector<PeerStatus>();
  for (const PeerStatus& peer : told)
    members.push_back({{"node", peer.node},
                       {"connected", peer.connected},
                       {"round_trip_us", peer.round_trip.count()},
                       {"round_trip_deviation_us", peer.round_trip_deviation.count()},
                       {"suspicion", std::round(peer.suspicion * 10) / 10},
                       {"silent_for_ms", peer.silent_for.count()},
                       {"connections", peer.connections},
                       {"bytes_sent", peer.bytes_sent},
                       {"bytes_heard", peer.bytes_heard},
                       {"questions_open", peer.questions_open},
                       {"bytes_waiting", peer.bytes_waiting},
                       {"refused", peer.refused},
                       {"dropped", peer.dropped}});
  const EngineCounters counters = read.shared.engine.counters();
  json::object object{{"object", "cluster"},
                      {"node", nullptr},
                      {"shards", read.shared.engine.shards()},
                      {"in_doubt", counters.in_doubt},
                      {"peers", std::move(members)},
                      {"places", places_json(node)},
                      {"moves", moves_json(node)}};
  if (node) object["node"] = node->options().node;
  read.respond(json_response(object));
}

void read_openapi(const Read& read) {
  http::Response response;
  response.body = openapi_text();
  read.respond(std::move(response));
}

constexpr std::array kGetRoutes{
    GetRoute{"/v1/products", read_products, kListQuery},
    GetRoute{"/v1/products/{sku}", read_product},
    GetRoute{"/v1/products/{sku}/stock", read_stock},
    GetRoute{"/v1/accounts/{account}", read_account},
    GetRoute{"/v1/accounts/{account}/entries", read_entries, kListQuery},
    GetRoute{"/v1/orders", read_orders, kOrderListQuery},
    GetRoute{"/v1/orders/{order}", read_order},
    GetRoute{"/v1/reservations/{reservation}", read_reservation},
    GetRoute{"/v1/transactions/{transaction}", read_transaction},
    GetRoute{"/v1/events", read_events, kEventQuery},
    GetRoute{"/v1/audits/{audit}", read_audit},
    GetRoute{"/v1/cluster", read_cluster},
    GetRoute{"/v1/cluster/in-doubt", read_doubts, kDoubtQuery},
    GetRoute{"/healthz", read_health},
    GetRoute{"/readyz", read_readiness},
    GetRoute{"/metrics", read_metrics},
    GetRoute{"/openapi.json", read_openapi},
};

}  // namespace

std::span<const GetRoute> get_routes() { return kGetRoutes; }

std::span<const TaskRoute> task_routes() {
  static constexpr std::array kTaskRoutes{TaskRoute{"/v1/audits", begin_audit},
                                          TaskRoute{"/v1/cluster/shards/{shard}/move/{node}", move_shard},
                                          TaskRoute{"/v1/cluster/members/{node}/add/{address}", add_member},
                                          TaskRoute{"/v1/cluster/in-doubt/{transaction}/resolve", resolve_doubt}};
  return kTaskRoutes;
}

}  // namespace kontor::cmd::serve
