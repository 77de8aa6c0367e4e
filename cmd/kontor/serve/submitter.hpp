#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "actors/engine.hpp"
#include "cmd/http/message.hpp"
#include "cmd/kontor/serve/objects.hpp"

namespace kontor::cmd::serve {

/// Gathers what the requests of one lane ask of the engine, so that it gets all that arrived together as one batch. No
/// timer: the submit stands behind what the lane has to do already. All on the lane's thread. Before an outcome is
/// told, the objects that it touches are forgotten.
class Submitter {
 public:
  using Then = std::function<void(const Request&, const Outcome&)>;

  Submitter(Engine& engine, Objects& objects, http::Post post)
      : engine_(engine), objects_(objects), post_(std::move(post)) {}

  /// `then` is called once, later, on the lane's thread, with the request as it was handed in.
  void submit(Request request, Then then);

 private:
  void flush();

  Engine& engine_;
  Objects& objects_;
  const http::Post post_;
  struct Batch {
    std::vector<Request> requests;
    std::vector<Then> thens;
  };
  Batch gathered_;
};

}  // namespace kontor::cmd::serve
