#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/cluster/options.hpp"
#include "domain/result.hpp"

namespace kontor {

namespace actors {
class Cluster;
}

/// A node of a cluster, to be given to an engine (EngineOptions::cluster). Links without CAF's headers.
class Node {
 public:
  /// Reads the certificates; nothing is listened on before the engine opens. Errors: invalid_argument, io_error;
  /// `explanation` gets a sentence for people.
  static Result<std::shared_ptr<Node>> make(const ClusterOptions& options, std::string* explanation);
  ~Node();

  const std::shared_ptr<actors::Cluster>& cluster() const;
  const ClusterOptions& options() const;
  /// All other members. Any thread.
  std::vector<PeerStatus> peers() const;
  /// Reads the certificates again, for connections from now on. Errors: as `make`; the old ones stay.
  Result<void> reload(std::string* explanation);

 private:
  Node();
  class Impl;
  std::shared_ptr<Impl> impl_;
  std::shared_ptr<actors::Cluster> cluster_;
};

}  // namespace kontor
