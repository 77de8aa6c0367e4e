#pragma once
#include <string>
#include <vector>

#include "tests/http/served_shop.hpp"

namespace kontor::tests {

/// A key with its secret, and the header that sends it.
struct TestKey {
  TestKey(cmd::serve::Role role, const char* account) : made(make(role, account)) {}
  Headers header() const { return {{"Authorization", "Bearer " + made.token}}; }

  cmd::serve::NewKey made;

 private:
  static cmd::serve::NewKey make(cmd::serve::Role role, const char* account) {
    cmd::serve::Principal principal{role, {}};
    if (role != cmd::serve::Role::admin) principal.account = *AccountId::parse(account);
    auto made = cmd::serve::make_key(principal, {});
    REQUIRE(made);
    return *made;
  }
};

inline cmd::serve::KeyRingPtr ring_of(const std::vector<TestKey>& keys) {
  std::vector<cmd::serve::ApiKey> all;
  for (const TestKey& key : keys) all.push_back(key.made.key);
  return std::make_shared<cmd::serve::KeyRing>(all);
}

/// Two customers (`alice`, `bob`), two merchants (`shop`, `other`), an order of each pair, and a key for everybody.
class KeyedShop {
 public:
  KeyedShop() {
    shop.open_shop();
    for (const char* name : {"bob", "other"}) {
      shop.done("/v1/accounts", R"({"id":")" + std::string(name) + R"(","currency":"GBP"})");
      shop.done("/v1/accounts/" + std::string(name) + "/deposits",
                R"({"external":"bank","amount":)" + ServedShop::gbp_text(100'000) + "}");
    }
    alices = shop.done("/v1/checkouts", checkout_text("alice", "shop")).text("order");
    bobs = shop.done("/v1/checkouts", checkout_text("bob", "other")).text("order");
    alices_reservation = reserved("alice", "shop"), bobs_reservation = reserved("bob", "other");
    shop.served().use_keys(ring_of({admin, merchant, customer, other_merchant, other_customer}));
  }

  static std::string checkout_text(const std::string& customer, const std::string& payee) {
    return R"({"customer":")" + customer + R"(","currency":"GBP","payees":[")" + payee +
           R"("],"lines":[{"sku":"mug","quantity":1}]})";
  }
  /// Makes a reservation; before there are keys.
  std::string reserved(const std::string& buyer, const std::string& payee) {
    const std::string text = checkout_text(buyer, payee);
    return shop.done("/v1/reservations", R"({"expires_in_ms":600000,)" + text.substr(1)).text("reservation");
  }
  Answer get(const std::string& path, const TestKey& key) { return client.get(path, key.header()); }
  Answer post(const std::string& path, const std::string& body, const TestKey& key, const std::string& idempotency) {
    return client.post(path, body, idempotency, key.header());
  }

  ServedShop shop;
  Client client = shop.client();
  std::string alices, bobs;  ///< Orders.
  std::string alices_reservation, bobs_reservation;
  const TestKey admin{cmd::serve::Role::admin, ""}, merchant{cmd::serve::Role::merchant, "shop"},
      customer{cmd::serve::Role::customer, "alice"}, other_merchant{cmd::serve::Role::merchant, "other"},
      other_customer{cmd::serve::Role::customer, "bob"};
};

}  // namespace kontor::tests
