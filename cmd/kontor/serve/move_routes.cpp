#include "cmd/kontor/serve/move_routes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "cmd/kontor/serve/answer.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

std::optional<ShardId> shard_in(std::string_view text, std::uint16_t shards) {
  ShardId shard = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), shard);
  const bool whole = wrong == std::errc() && end == text.data() + text.size() && std::to_string(shard) == text;
  return whole && shard < shards ? std::optional(shard) : std::nullopt;
}

http::Response accepted(ShardId shard, const std::string& to, bool is_there) {
  auto response =
      json_response({{"object", "move"}, {"shard", shard}, {"to", to}, {"state", is_there ? "done" : "moving"}});
  response.status = is_there ? 200 : 202;
  return response;
}

}  // namespace

json::array places_json(const Node* node) {
  json::array out;
  if (!node) return out;
  ShardId shard = 0;
  for (const ShardPlace& place : node->places())
    out.push_back({{"shard", shard++},
                   {"node", place.node.empty() ? json::value(nullptr) : json::value(place.node)},
                   {"epoch", place.epoch}});
  return out;
}

json::array moves_json(const Node* node) {
  json::array out;
  if (!node) return out;
  const auto progress = node->moving();
  for (const AskedMove& move : node->moves()) {
    const bool failed = move.over && move.outcome.code != Errc::none;
    json::object object{{"shard", move.shard},
                        {"to", move.to},
                        {"state", !move.over ? "moving"
                                  : failed   ? "failed"
                                             : "done"},
                        {"code", failed ? json::value(to_string(move.outcome.code)) : json::value(nullptr)}};
    object["copied_bytes"] = progress && !move.over && progress->shard == move.shard
                                 ? json::value(progress->copied_bytes)
                                 : json::value(nullptr);
    out.push_back(std::move(object));
  }
  return out;
}

void move_shard(const Read& read, std::string_view) {
  Node* const node = read.shared.node.get();
  if (!node)
    return read.respond(
        problem_response({Errc::invalid_argument, "this engine is not in a cluster", {}, 0, {}}, *read.request));
  const auto shard = shard_in(read.path[0], read.shared.engine.shards());
  const std::string to(read.path[1]);
  const auto members = node->members();
  const bool is_member = std::any_of(members.begin(), members.end(), [&](const Member& m) { return m.node == to; });
  if (!shard || !is_member)
    return read.respond(
        problem_response({Errc::not_found, "the cluster has no such shard or member", {}, 0, {}}, *read.request));
  if (node->places().at(*shard).node == to) return read.respond(accepted(*shard, to, true));
  node->move(*shard, to, [](const Error&) {});  // `moves` tells.
  const auto moves = node->moves();
  const auto it = std::find_if(moves.rbegin(), moves.rend(), [&](const auto& move) { return move.shard == *shard; });
  if (it == moves.rend() || it->to != to)
    return read.respond(
        problem_response({Errc::request_in_progress, "the shard moves elsewhere", {}, 0, {}}, *read.request));
  if (it->over && it->outcome.code != Errc::none)
    return read.respond(
        problem_response({it->outcome.code, std::string(it->outcome.detail), {}, 0, {}}, *read.request));
  read.respond(accepted(*shard, to, it->over));
}

}  // namespace kontor::cmd::serve
