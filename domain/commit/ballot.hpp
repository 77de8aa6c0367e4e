#pragma once
#include <span>
#include <vector>

#include "domain/commit/vote.hpp"

namespace kontor::commit {

/// Collects the votes of one site's participants on one batch. The site has voted when all of them have.
class Ballot {
 public:
  explicit Ballot(Roles awaited) : awaited_(awaited) {}

  /// One participant's answer to the batch, whose yes votes are in its record at `position` (0: it wrote none).
  /// A repeat changes nothing.
  void vote(Role role, Position position, std::span<const Refusal> refusals);
  bool complete() const { return awaited_ == 0; }

  /// Where the last yes vote is written: the site may tell another shard only when this is durable.
  Position position() const { return position_; }
  /// At most one refusal per transaction, ascending by index; the first Role in order wins. Only when complete.
  std::vector<Refusal> take_refusals();

 private:
  Roles awaited_ = 0;
  Position position_ = 0;
  std::vector<Refusal> refusals_;
};

}  // namespace kontor::commit
