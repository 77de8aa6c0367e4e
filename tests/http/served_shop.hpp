#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cmd/kontor/serve/run.hpp"
#include "tests/http/client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace kontor::tests {

/// A server on a free port, with an engine in a directory of its own.
class ServedShop {
 public:
  explicit ServedShop(const http::Limits& limits = {}, std::uint16_t shards = 1) : ServedShop(limits, shards, {}) {}
  ServedShop(const http::Limits& limits, std::uint16_t shards, EngineOptions options,
             std::shared_ptr<cmd::Log> log = nullptr, unsigned rate_limit = 0) {
    options.dir = dir_.path() / "shop";
    options.shards = shards;
    std::string why;
    auto engine = Engine::open(options, &why);
    INFO(why);
    REQUIRE(engine);
    http::ServerOptions server;
    server.listen = {"127.0.0.1", 0};
    server.limits = limits;
    server.lanes = 2;
    served_ = std::make_unique<cmd::serve::ServedEngine>(
        std::move(*engine), server, cmd::serve::Beside{nullptr, std::move(log), rate_limit, nullptr, {}});
  }

  std::uint16_t port() const { return served_->endpoint().port; }
  Engine& engine() { return served_->engine(); }
  cmd::serve::ServedEngine& served() { return *served_; }
  Client client() const { return Client(port()); }

  /// Must be done.
  Answer done(const std::string& path, const std::string& body) {
    Answer answer = client_().post(path, body, "setup-" + std::to_string(++keys_));
    INFO(path << ' ' << body << " -> " << answer.body);
    REQUIRE(answer.status == 201);
    return answer;
  }
  /// The external account `bank`, the wallets `shop` and `alice` with `pence`, and `units` of `mug` at 12.99 GBP.
  void open_shop(std::int64_t pence = 100'000, std::int64_t units = 100) {
    done("/v1/accounts", R"({"id":"bank","currency":"GBP","kind":"external"})");
    for (const char* name : {"shop", "alice"})
      done("/v1/accounts", R"({"id":")" + std::string(name) + R"(","currency":"GBP"})");
    if (pence > 0) done("/v1/accounts/alice/deposits", R"({"external":"bank","amount":)" + gbp_text(pence) + "}");
    done("/v1/products", R"({"sku":"mug","price":)" + gbp_text(1299) + "}");
    if (units > 0) done("/v1/products/mug/stock/receipts", R"({"quantity":)" + std::to_string(units) + "}");
  }
  static std::string gbp_text(std::int64_t pence) {
    return R"({"amount":)" + std::to_string(pence) + R"(,"currency":"GBP"})";
  }
  static std::string checkout_text(std::int64_t quantity = 1) {
    return R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":)" +
           std::to_string(quantity) + "}]}";
  }
  std::int64_t balance(const std::string& account) {
    return client_().get("/v1/accounts/" + account).json().at_pointer("/balance/amount").as_int64();
  }

 private:
  Client& client_() {
    if (!setup_) setup_.emplace(port());
    return *setup_;
  }

  testing::TempDir dir_;
  std::unique_ptr<cmd::serve::ServedEngine> served_;
  std::optional<Client> setup_;
  int keys_ = 0;
};

}  // namespace kontor::tests
