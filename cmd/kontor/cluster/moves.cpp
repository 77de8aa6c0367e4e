#include "cmd/kontor/cluster/moves.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include <boost/json.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/terminal.hpp"
#include "domain/ring.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kLookEvery{200};

struct Move {
  std::int64_t shard = 0;
  std::string from, to;
};

/// Of one command: what it asks, says and ends with.
class Mover {
 public:
  Mover(std::string command, const MoveOptions& options, const std::atomic<bool>& stop)
      : command_("cluster " + std::move(command)), options_(options), stop_(stop) {}

  int one() {
    if (!connect() || !look()) return exit_code_;
    const auto it = std::find_if(places_.begin(), places_.end(),
                                 [&](const Move& place) { return place.shard == std::int64_t{options_.shard}; });
    if (it == places_.end()) return complain("the cluster has no shard " + std::to_string(options_.shard));
    if (!is_member(options_.to)) return complain("'" + options_.to + "' is not a member");
    if (it->from != options_.to) moves_.push_back({it->shard, it->from, options_.to});
    return carry_out();
  }

  int all() {
    if (!connect() || !look()) return exit_code_;
    for (const std::string& name : options_.without)
      if (!is_member(name)) return complain("'" + name + "' is not a member");
    std::vector<MemberId> owners;
    for (const Move& place : places_) {
      const auto it = std::find(members_.begin(), members_.end(), place.from);
      if (it == members_.end())
        return complain("this node has not heard yet where shard " + std::to_string(place.shard) + " is");
      owners.push_back(static_cast<MemberId>(it - members_.begin()));
    }
    std::vector<bool> staying;
    for (const std::string& name : members_)
      staying.push_back(std::find(options_.without.begin(), options_.without.end(), name) == options_.without.end());
    if (std::find(staying.begin(), staying.end(), true) == staying.end()) return complain("no node would be left");
    for (const ShardMove& move : rebalance(owners, Ring(members_), staying))
      moves_.push_back({move.shard, members_[move.from], members_[move.to]});
    return options_.dry_run ? tell("planned") : carry_out();
  }

 private:
  bool is_member(const std::string& name) const {
    return std::find(members_.begin(), members_.end(), name) != members_.end();
  }
  int complain(const std::string& text) {
    std::cerr << "kontor " << command_ << ": " << text << '\n';
    return exit_code_ = kExitCheckFailed;
  }
  bool connect() {
    std::string why;
    caller_ = client::Caller::make(options_.call, why);
    if (!caller_) complain(why), exit_code_ = kExitUsage;
    return caller_.has_value();
  }

  /// Where all shards are, as the asked node knows.
  bool look() {
    const client::Reply reply = caller_->get("/v1/cluster");
    cluster_ = reply.object().value_or(json::object());
    const json::value *node = cluster_.if_contains("node"), *peers = cluster_.if_contains("peers"),
                      *places = cluster_.if_contains("places");
    if (reply.exit_code != kExitOk || !node || !peers || !peers->is_array() || !places || !places->is_array()) {
      exit_code_ = client::print_failure(reply, command_, options_.call);
      return false;
    }
    if (!node->is_string()) {
      complain("this engine is not in a cluster");
      return false;
    }
    members_ = {std::string(node->get_string())};
    for (const json::value& peer : peers->get_array()) members_.push_back(json::value_to<std::string>(peer.at("node")));
    std::sort(members_.begin(), members_.end());
    places_.clear();
    for (const json::value& place : places->get_array())
      places_.push_back({place.at("shard").to_number<std::int64_t>(),
                         place.at("node").is_string() ? json::value_to<std::string>(place.at("node")) : "", ""});
    return true;
  }

  /// How the newest move of this shard goes, as the asked node knows. None: it was not asked for one.
  const json::object* move_of(std::int64_t shard) const {
    const json::value* moves = cluster_.if_contains("moves");
    const json::object* found = nullptr;
    if (moves && moves->is_array())
      for (const json::value& move : moves->get_array())
        if (move.at("shard").to_number<std::int64_t>() == shard) found = &move.get_object();
    return found;
  }

  void tell_failure(const Move& move, const std::string& code) {
    const std::string shard = "shard " + std::to_string(move.shard);
    if (code != to_string(Errc::outcome_unknown)) return (void)complain(shard + " stays at " + move.from + ": " + code);
    complain("whether " + shard + " moves is not known: " + code +
             "; the move may go on, and `kontor cluster status` shows where the shard is");
    exit_code_ = kExitJournal;
  }

  bool carry_out(const Move& move) {
    const auto reply =
        caller_->post("/v1/cluster/shards/" + std::to_string(move.shard) + "/move/" + http::percent_encoded(move.to));
    if (reply.status != 200 && reply.status != 202) {
      exit_code_ = client::print_failure(reply, command_, options_.call);
      return false;
    }
    std::cerr << "shard " << move.shard << ": " << move.from << " to " << move.to << std::flush;
    for (;;) {
      if (stop_) {
        std::cerr << ": goes on without being watched\n";
        exit_code_ = kExitInterrupted;
        return false;
      }
      if (!look()) return false;
      if (places_.at(static_cast<std::size_t>(move.shard)).from == move.to) break;
      if (const json::object* state = move_of(move.shard); state && state->at("state") == "failed") {
        std::cerr << '\n';
        tell_failure(move, json::value_to<std::string>(state->at("code")));
        return false;
      }
      std::this_thread::sleep_for(kLookEvery);
    }
    std::cerr << ": done\n";
    return true;
  }

  int carry_out() {
    for (const Move& move : moves_)
      if (!carry_out(move)) return exit_code_;
    return tell("done");
  }

  int tell(const char* state) const {
    if (options_.call.json) {
      json::array moves;
      for (const Move& move : moves_)
        moves.push_back({{"shard", move.shard}, {"from", move.from}, {"to", move.to}, {"state", state}});
      std::cout << json::serialize(json::object{{"object", "list"}, {"data", std::move(moves)}, {"has_more", false}})
                << '\n';
      return kExitOk;
    }
    if (moves_.empty()) std::cout << "Nothing has to move.\n";
    if (options_.dry_run)
      for (const Move& move : moves_)
        std::cout << "shard " << move.shard << ": " << move.from << " to " << move.to << '\n';
    return kExitOk;
  }

  const std::string command_;
  const MoveOptions& options_;
  const std::atomic<bool>& stop_;
  std::optional<client::Caller> caller_;
  json::object cluster_;
  std::vector<std::string> members_;
  std::vector<Move> places_;  ///< Of all shards: where they are.
  std::vector<Move> moves_;
  int exit_code_ = kExitOk;
};

}  // namespace

int move_one_shard(const MoveOptions& options, const std::atomic<bool>& stop) {
  return Mover("move", options, stop).one();
}

int rebalance_shards(const MoveOptions& options, const std::atomic<bool>& stop) {
  return Mover("rebalance", options, stop).all();
}

}  // namespace kontor::cmd
