#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/judge.hpp"
#include "tests/simulation/node.hpp"

namespace kontor::sim {

/// What must hold when all is healed and quiet: the running shards, what recovery makes of their stores, and the
/// auditor, each against the model.
class FinalChecks {
 public:
  using RunUntil = std::function<bool(const std::function<bool()>&)>;
  FinalChecks(Surroundings& around, Judge& judge, std::vector<std::unique_ptr<Node>>& nodes, RunUntil run_until)
      : around_(around),
        judge_(judge),
        nodes_(nodes),
        run_until_(std::move(run_until)),
        random_(around.options.seed, 7) {}

  void run();

 private:
  struct Answers;
  void check_running();
  std::string still_open() const;
  void check_recovered(Node& node);
  void check_recovered(Node& node, const persistence::RecoveredShard& found);
  void check_damage(Node& node);
  void audit();
  template <class Value, class Message, class Actor, class Name>
  void read(const Actor& actor, const Name& name, std::string what, const std::shared_ptr<Answers>& to);

  Surroundings& around_;
  Judge& judge_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  RunUntil run_until_;
  Random random_;
};

}  // namespace kontor::sim
