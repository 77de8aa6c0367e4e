#include "cmd/kontor/serve/run.hpp"

namespace kontor::cmd::serve {
namespace {

ViewsOptions placed(ViewsOptions views, const Engine& engine) {
  if (views.dir.empty()) views.dir = engine.dir() / "views";
  return views;
}

}  // namespace

ServedEngine::ServedEngine(std::unique_ptr<Engine> engine, const http::ServerOptions& options, Beside beside)
    : engine_(std::move(engine)),
      objects_(*engine_, beside.node == nullptr),
      views_(*engine_, placed(std::move(beside.views), *engine_),
             [this](const Event& event) { objects_.forget(event); }),
      audits_(*engine_, views_),
      shared_{*engine_,
              stats_,
              objects_,
              views_,
              audits_,
              std::move(beside.log),
              RateLimit(beside.rate_limit),
              std::move(beside.node)} {
  use_keys(std::move(beside.keys));
  server_ = std::make_unique<http::Server>(
      options, stats_, [this](http::Post post) { return std::make_unique<Api>(shared_, std::move(post)); });
}

ServedEngine::~ServedEngine() { stop(std::chrono::milliseconds(0)); }

bool ServedEngine::stop(std::chrono::milliseconds timeout) {
  if (shared_.draining.exchange(true)) return true;
  const bool drained = server_->drain(timeout);
  audits_.stop();    // Reads the views and the engine,
  views_.stop();     // and these the engine.
  engine_->close();  // Answers all that is left. The lanes must be there for it.
  const bool ended = server_->drain(timeout / 10);
  server_->stop();
  return drained || ended;
}

}  // namespace kontor::cmd::serve
