#include "cmd/kontor/serve/run.hpp"

namespace kontor::cmd::serve {

ServedEngine::ServedEngine(std::unique_ptr<Engine> engine, const http::ServerOptions& options, KeyRingPtr keys,
                           std::shared_ptr<Log> log, unsigned rate_limit, std::shared_ptr<Node> node)
    : engine_(std::move(engine)), shared_{*engine_, stats_, std::move(log), RateLimit(rate_limit), std::move(node)} {
  use_keys(std::move(keys));
  server_ = std::make_unique<http::Server>(
      options, stats_, [this](http::Post post) { return std::make_unique<Api>(shared_, std::move(post)); });
}

ServedEngine::~ServedEngine() { stop(std::chrono::milliseconds(0)); }

bool ServedEngine::stop(std::chrono::milliseconds timeout) {
  if (shared_.draining.exchange(true)) return true;
  const bool drained = server_->drain(timeout);
  engine_->close();  // Answers all that is left. The lanes must be there for it.
  const bool ended = server_->drain(timeout / 10);
  server_->stop();
  return drained || ended;
}

}  // namespace kontor::cmd::serve
