#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/judge.hpp"
#include "tests/simulation/node.hpp"
#include "tests/simulation/workload.hpp"

namespace kontor::sim {

/// Those who buy. They keep some requests in flight, ask again with the same key when an answer does not come or says
/// that they should, and now and then do what they should not.
class Clients {
 public:
  Clients(Surroundings& around, Judge& judge, std::vector<std::unique_ptr<Node>>& nodes);

  /// Asks for these, and waits for no answer.
  void ask_all(const std::vector<Operation>& operations);
  /// Keeps requests in flight until all operations of the options were asked for.
  void pump();
  bool all_asked() const { return asked_ >= around_.options.operations; }
  std::size_t asked() const { return asked_; }
  bool all_answered() const { return open_ == 0; }
  /// A shard is there again: some of those who wait for it do not wait any longer.
  void on_open(ShardId shard);
  /// From now on nothing goes wrong at the clients.
  void heal() { healed_ = true; }
  /// Who still waits, for a failure's text.
  std::string waiting() const;
  /// Each key is asked about once more; whoever had an effect must hear of it.
  void ask_again();

 private:
  struct Ask {
    Request request;
    bool done = false;
    unsigned tries = 0;
    bool committed = false;  ///< By the last answer.
    TransactionId transaction;
  };
  /// Numbers of requests.
  using Numbers = std::vector<std::size_t>;
  std::size_t note(Operation operation);
  void ask(std::vector<Operation> operations);
  void send(Numbers numbers);
  ShardId asked_at(const Request& request) const;
  bool reaches(ShardId home, std::size_t number);
  void on_outcome(std::size_t number, const Outcome& outcome);
  void plan_retry(std::size_t number);
  void read();
  template <class Row, class Message, class Name, class Actor>
  void read(const Name& name, Actor actors::Handles::*of);
  unsigned permille() const { return healed_ || asked_ == 0 ? 0 : around_.options.fault_permille; }

  Surroundings& around_;
  Judge& judge_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  Workload workload_;
  Random random_;
  Random protocols_;
  bool healed_ = false;
  unsigned asked_ = 0;
  std::size_t open_ = 0;
  std::vector<Ask> asks_;
  std::vector<OrderId> orders_;  ///< Placed, as far as clients know.
  std::vector<OrderId> reservations_;
};

}  // namespace kontor::sim
