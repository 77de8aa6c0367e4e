// A node that answers nothing any more slows nobody who does not need it. How much is measured in `./dev bench
// cluster`.
#include "cmd/kontor/serve/idempotency.hpp"
#include "domain/placement.hpp"
#include "tests/cluster/processes.hpp"

namespace kontor::tests {
namespace {

constexpr auto kFrozen = 5s;
// Who waited for the frozen node is refused, or told that nothing is known, when its link is given up; nobody else
// takes so long, on however busy a machine.
constexpr auto kHang = kFrozen;

bool is_at_node_0(const IdempotencyKey& key) { return home_of(key, kNodes) == 0; }

template <class Name>
std::string name_at_node_0(const std::string& prefix) {
  for (int i = 0;; ++i)
    if (const auto name = Name::parse(prefix + std::to_string(i)); home_of(*name, kNodes) == 0) return name->str();
}

/// The next key whose purchase node 0 coordinates.
std::string key_at_node_0(const std::string& prefix, int& count) {
  for (;;) {
    std::string key = prefix + std::to_string(++count);
    if (is_at_node_0(cmd::serve::engine_key("local", "/v1/checkouts", {}, key))) return key;
  }
}

struct Waits {
  std::size_t count = 0, refused = 0;
  Clock::duration longest{};
};

/// One buyer, so long.
Waits buy_at_node_0(const Cluster& cluster, const std::string& purchase, const std::string& prefix,
                    Clock::duration duration) {
  Waits out;
  Client client = cluster.client(0);
  int keys = 0;
  for (const auto until = Clock::now() + duration; Clock::now() < until; ++out.count) {
    const auto begun = Clock::now();
    const Answer answer = client.post("/v1/checkouts", purchase, key_at_node_0(prefix, keys));
    out.longest = std::max(out.longest, Clock::now() - begun);
    if (answer.status != 201 || !answer.text("id").starts_with("txn_00_")) ++out.refused;
  }
  return out;
}

}  // namespace

TEST_CASE("cluster: who needs nothing of a frozen node does not wait for it", "[cluster][faults]") {
  Cluster cluster;
  const std::string bank = name_at_node_0<AccountId>("bank-"), shop = name_at_node_0<AccountId>("shop-"),
                    buyer = name_at_node_0<AccountId>("buyer-"), mug = name_at_node_0<Sku>("mug-");
  done(cluster, "/v1/accounts", R"({"id":")" + bank + R"(","currency":"GBP","kind":"external"})");
  for (const std::string& account : {shop, buyer})
    done(cluster, "/v1/accounts", R"({"id":")" + account + R"(","currency":"GBP"})");
  done(cluster, "/v1/accounts/" + buyer + "/deposits",
       R"({"external":")" + bank + R"(","amount":{"amount":1000000,"currency":"GBP"}})");
  done(cluster, "/v1/products", R"({"sku":")" + mug + R"(","price":{"amount":1,"currency":"GBP"}})");
  done(cluster, "/v1/products/" + mug + "/stock/receipts", R"({"quantity":1000000})");
  const std::string purchase = R"({"customer":")" + buyer + R"(","payees":[")" + shop +
                               R"("],"currency":"GBP","lines":[{"sku":")" + mug + R"(","quantity":1,"payee":")" + shop +
                               R"("}]})";
  cluster.signal(2, SIGSTOP);
  std::array<Waits, 4> waits;
  {
    std::vector<std::jthread> buyers;
    for (std::size_t i = 0; i < waits.size(); ++i)
      buyers.emplace_back(
          [&, i] { waits[i] = buy_at_node_0(cluster, purchase, "b" + std::to_string(i) + "-", kFrozen); });
  }
  CHECK_FALSE(cluster.sees(0, 2));  // It was frozen for long enough to be given up meanwhile.
  cluster.signal(2, SIGCONT);
  for (const Waits& one : waits) {
    CAPTURE(one.count, one.refused, std::chrono::duration_cast<std::chrono::milliseconds>(one.longest).count());
    CHECK(one.count > 0);
    CHECK(one.refused == 0);
    CHECK(one.longest < kHang);
  }
  cluster.connected();
  CHECK(cluster.settled());
  cluster.ends_clean();
}

}  // namespace kontor::tests
