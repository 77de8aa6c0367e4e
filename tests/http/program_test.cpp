// `kontor serve` as a program: its options, its end, and its death.
#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/http/client.hpp"
#include "tests/http/running.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* kCheckout =
    R"({"customer":"alice","currency":"GBP","payees":["shop"],"lines":[{"sku":"mug","quantity":1}]})";

void open_shop(std::uint16_t port) {
  Client client(port);
  int key = 0;
  const auto done = [&](const std::string& path, const std::string& body) {
    const auto answer = client.post(path, body, "setup-" + std::to_string(key++));
    INFO(answer.body);
    REQUIRE(answer.status == 201);
  };
  done("/v1/accounts", R"({"id":"bank","currency":"GBP","kind":"external"})");
  done("/v1/accounts", R"({"id":"shop","currency":"GBP"})");
  done("/v1/accounts", R"({"id":"alice","currency":"GBP"})");
  done("/v1/accounts/alice/deposits", R"({"external":"bank","amount":{"amount":1000000000,"currency":"GBP"}})");
  done("/v1/products", R"({"sku":"mug","price":{"amount":1,"currency":"GBP"}})");
  done("/v1/products/mug/stock/receipts", R"({"quantity":100000000})");
}

/// What a client heard, or not: its key, and the transaction if it was told one.
struct Sent {
  std::string key, transaction;
};

/// Sends checkouts one after the other until the server is gone; the last is unanswered.
void buy_until_gone(std::uint16_t port, const std::string& prefix, std::vector<Sent>& all, std::mutex& mutex,
                    std::atomic<std::size_t>& answered) {
  Client client(port);
  for (int i = 0;; ++i) {
    const std::string key = prefix + std::to_string(i);
    client.send(post_text("/v1/checkouts", kCheckout, key));
    const auto answer = client.receive();
    const std::lock_guard lock(mutex);
    all.push_back({key, answer && answer->status == 201 ? answer->text("id") : std::string()});
    if (!answer) return;
    ++answered;
  }
}

}  // namespace

TEST_CASE("serve: a signal ends it in good order, and what it answered stays", "[http][program]") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  const kontor::testing::TempDir dir;
  std::string id;
  {
    auto running = start(dir.path() / "shop", {"--shards", "2", "--protocol", "three_phase", "--lanes", "2"});
    open_shop(running.port);
    Client client(running.port), idle(running.port);
    CHECK(idle.get("/healthz").status == 200);
    id = client.post("/v1/checkouts", kCheckout, "one").text("id");
    running.child.signal(signal);
    CHECK(running.child.wait() == kExitOk);
  }
  auto again = start(dir.path() / "shop");
  const auto answer = Client(again.port).post("/v1/checkouts", kCheckout, "one");
  CHECK(answer.text("id") == id);
  CHECK(answer.field("idempotent-replayed") == "true");
}

TEST_CASE("serve: what cannot be served is refused at once", "[http][program]") {
  const kontor::testing::TempDir dir;
  const std::string data = (dir.path() / "shop").string();
  for (const char* listen : {"0.0.0.0:0", "192.0.2.1:80", "[::]:0", "localhost:80", "127.0.0.1:99999", "x", ""})
    CHECK(run_kontor({"serve", "--data", data, "--listen", listen}).exit_code == kExitUsage);
  CHECK(run_kontor({"serve", "--data", data, "--shards", "65"}).exit_code == kExitUsage);
  CHECK(run_kontor({"serve", "--data", data, "--protocol", "one_phase"}).exit_code == kExitUsage);
  CHECK(run_kontor({"serve", "--data", data, "--key-retention", "23h"}).exit_code == kExitUsage);
  CHECK_FALSE(std::filesystem::exists(data));

  const auto running = start(data);
  const std::string taken = "127.0.0.1:" + std::to_string(running.port);
  CHECK(run_kontor({"serve", "--data", data + "2", "--listen", taken}).exit_code == kExitCannotCreate);
  CHECK(run_kontor({"serve", "--data", data, "--listen", "0"}).exit_code == kExitDirectoryInUse);
}

TEST_CASE("serve: killed under load, every answer is there, and a repeat of what was lost has one effect",
          "[http][program]") {
  const std::string shards = GENERATE("1", "3");
  const kontor::testing::TempDir dir;
  std::vector<Sent> sent;
  {
    auto running = start(dir.path() / "shop", {"--shards", shards});
    open_shop(running.port);
    std::mutex mutex;
    std::atomic<std::size_t> answered{0};
    std::vector<std::thread> buyers;
    for (int i = 0; i < 8; ++i)
      buyers.emplace_back([&, i] { buy_until_gone(running.port, std::to_string(i) + "-", sent, mutex, answered); });
    while (answered < 1'000) std::this_thread::sleep_for(1ms);
    running.child.signal(SIGKILL);
    for (std::thread& buyer : buyers) buyer.join();
    CHECK(running.child.wait() == 128 + SIGKILL);
  }
  auto running = start(dir.path() / "shop");
  Client client(running.port);
  for (const Sent& one : sent) {
    const auto answer = client.post("/v1/checkouts", kCheckout, one.key);
    CAPTURE(one.key, answer.body);
    REQUIRE(answer.status == 201);
    if (one.transaction.empty()) continue;
    CHECK(answer.text("id") == one.transaction);
    CHECK(answer.field("idempotent-replayed") == "true");
  }
  const auto balance = client.get("/v1/accounts/shop").json().at_pointer("/balance/amount").as_int64();
  CHECK(balance == static_cast<std::int64_t>(sent.size()));
  running.child.signal(SIGTERM);
  CHECK(running.child.wait() == kExitOk);
  CHECK(run_kontor({"audit", (dir.path() / "shop").string()}).exit_code == kExitOk);
}
