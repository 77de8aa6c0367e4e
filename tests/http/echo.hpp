#pragma once
#include <functional>
#include <string>
#include <utility>

#include "cmd/http/message.hpp"

namespace kontor::tests {

/// Answers with what it was sent.
class Echo : public http::Service {
 public:
  /// How an answer is given: by default at once.
  using Later = std::function<void(std::function<void()>)>;
  explicit Echo(Later later = [](const std::function<void()>& action) { action(); }) : later_(std::move(later)) {}

  http::Opening open(const http::RequestPtr& request) override {
    http::Opening opening;
    opening.handle = [this, request](const http::Respond& respond) {
      later_([request, respond] {
        http::Response response;
        response.body = request->body;
        respond(std::move(response));
      });
    };
    return opening;
  }
  http::Response refuse(const http::Request&, unsigned status, std::string_view detail) override {
    http::Response response;
    response.status = status;
    response.body = detail;
    return response;
  }

 private:
  const Later later_;
};

}  // namespace kontor::tests
