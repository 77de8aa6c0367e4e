#include "cmd/kontor/serve/doubt_routes.hpp"

#include <algorithm>
#include <chrono>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/list_query.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

/// nullptr: the engine is alone.
json::value node_of(const Node* node, ShardId shard) {
  if (!node) return nullptr;
  return json::value(node->places().at(shard).node);
}

json::array shards_in(std::uint64_t mask) {
  json::array out;
  for (ShardId shard = 0; shard < kShardsMax; ++shard)
    if (mask >> shard & 1) out.emplace_back(shard);
  return out;
}

json::object to_json(const Doubt& doubt, const Node* node, std::int64_t now_ns) {
  const bool known = doubt.voters != 0;
  const std::int64_t age_ns = doubt.since_ns == 0 ? 0 : std::max<std::int64_t>(0, now_ns - doubt.since_ns);
  return {{"object", "doubt"},
          {"transaction", transaction_text(doubt.transaction)},
          {"age_ms", age_ns / 1'000'000},
          {"protocol", to_string(doubt.protocol)},
          {"coordinator_shard", doubt.transaction.shard},
          {"coordinator_node", node_of(node, doubt.transaction.shard)},
          {"here", shards_in(doubt.here)},
          {"participants", known ? json::value(shards_in(doubt.voters)) : json::value(nullptr)},
          {"witnesses", shards_in(doubt.witnesses)},
          {"out_of_reach", shards_in(doubt.out_of_reach)}};
}

std::optional<TransactionId> transaction_in(std::string_view text) {
  const auto id = parse_transaction(text);
  return id && *id && text.starts_with("txn_") ? std::optional(*id) : std::nullopt;
}

http::Response ended(const TransactionId& id, bool committed) {
  return json_response({{"object", "resolution"},
                        {"transaction", transaction_text(id)},
                        {"outcome", committed ? "committed" : "aborted"}});
}

/// Not in doubt here, perhaps because it was asked before and the answer got lost: its home knows how it ended.
void tell_end(Engine& engine, const TransactionId& id, const http::RequestPtr& request, const http::Post& post,
              const http::Respond& respond) {
  engine.transaction(id, [id, request, post, respond](const Result<TransactionRecord>& record) {
    const bool over = record && record->verdict != Verdict::unknown;
    const Error why = record ? Error{Errc::not_found, "it is not in doubt on this node"} : record.error();
    http::Response response =
        over ? ended(id, record->verdict == Verdict::committed)
             : problem_response({why.code, std::string(record ? why.detail : ""), {}, 0, {}}, *request);
    post([respond, response = std::move(response)] { respond(response); });
  });
}

}  // namespace

void read_doubts(const Read& read) {
  Refusal refusal;
  const Query query(read.request->query, read.query, refusal);
  const std::size_t limit = query.integer("limit", 1, kListedMax, kListedUsual);
  std::optional<TransactionId> from;
  if (const auto text = query.text("starting_after"); text && !(from = transaction_in(*text)))
    refusal.set(Errc::invalid_argument, "starting_after", "it is no transaction");
  if (refusal) return read.respond(problem_response(refusal.problem(), *read.request));
  read.shared.engine.doubts(
      from, limit,
      [node = read.shared.node, post = read.post, request = read.request,
       respond = read.respond](const Result<DoubtPage>& page) {
        http::Response response;
        if (page) {
          const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
          json::array data;
          for (const Doubt& doubt : page->doubts) data.push_back(to_json(doubt, node.get(), now));
          response = json_response({{"object", "list"}, {"data", std::move(data)}, {"has_more", page->more}});
        } else {
          response = problem_response({page.code(), {}, {}, 0, {}}, *request);
        }
        post([respond, response = std::move(response)] { respond(response); });
      });
}

void resolve_doubt(const Read& read, std::string_view) {
  const auto id = transaction_in(read.path[0]);
  if (!id) return read.respond(problem_response({Errc::not_found, {}, {}, 0, {}}, *read.request));
  read.shared.engine.resolve(*id, [&engine = read.shared.engine, id = *id, post = read.post, request = read.request,
                                   respond = read.respond](const Result<bool>& end) {
    post([&engine, id, post, request, respond, end] {
      if (end) return respond(ended(id, *end));
      if (end.code() == Errc::not_found) return tell_end(engine, id, request, post, respond);
      respond(problem_response({end.code(), std::string(end.error().detail), {}, 0, {}}, *request));
    });
  });
}

}  // namespace kontor::cmd::serve
