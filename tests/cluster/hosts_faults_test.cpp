// A node on a machine that is wrong: about the time of day, or with no room on its disk.
#include <ctime>

#include "tests/cluster/processes.hpp"

namespace kontor::tests {
namespace {

constexpr std::size_t kOdd = 1;  // The node that is wrong; neither the first to dial nor the last.

/// That node's time of day is so much ahead of the others'.
Terms with_clock(std::chrono::seconds ahead) {
  Terms terms;
  terms.before = [ahead](std::size_t node) -> std::vector<std::string> {
    if (node != kOdd) return {};
    return {"/usr/bin/env", "LD_PRELOAD=" KONTOR_CLOCK_INTERPOSER,
            "KONTOR_CLOCK_AHEAD_S=" + std::to_string(ahead.count())};
  };
  return terms;
}

/// As the API writes it, to the second: such texts are ordered as their times.
std::string time_text(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return text;
}

/// Some of what was done says so: without it nothing was tested.
bool dates_differ(const Cluster& cluster, std::chrono::seconds ahead) {
  const auto now = std::chrono::system_clock::now();
  const std::string least = time_text(now + ahead - 60s), most = time_text(now + ahead + 60s);
  for (std::string after;;) {
    const Answer answer = cluster.client(0).get("/v1/events?limit=1000" + after);
    REQUIRE(answer.status == 200);
    const boost::json::value page = answer.json();
    for (const auto& event : page.at("data").as_array()) {
      const std::string at(event.at("created_at").as_string());
      if (at > least && at < most) return true;
    }
    if (!page.at("has_more").as_bool()) return false;
    after = "&after=" + std::string(page.at("cursor").as_string());
  }
}

/// At every node, nearly all that was asked was done, by those that are right and the one that is wrong.
void all_serve(const std::vector<Asked>& asked) {
  std::array<std::size_t, kNodes> all{}, answered{};
  for (const Asked& one : asked) ++all[one.node], answered[one.node] += one.transaction.empty() ? 0U : 1U;
  for (std::size_t i = 0; i < kNodes; ++i) {
    CAPTURE(i, all[i], answered[i]);
    CHECK(answered[i] * 10 >= all[i] * 9);
  }
}

void survives_clock(std::chrono::seconds ahead) {
  survives(
      [&](Cluster& cluster) {
        std::this_thread::sleep_for(1s);
        CHECK(dates_differ(cluster, ahead));
      },
      with_clock(ahead), all_serve);
}

/// Opens an account by way of the odd node. What it says: the status, and the code of a problem.
std::pair<unsigned, std::string> open_account(const Cluster& cluster) {
  static int count = 0;
  const std::string id = "late-" + std::to_string(++count);
  const Answer answer = cluster.client(kOdd).post("/v1/accounts", R"({"id":")" + id + R"(","currency":"GBP"})", id);
  return {answer.status, answer.status == 201 ? std::string() : answer.code()};
}

/// Purchases of so many lines that a few thousand fill a disk. Returns what to ask for.
std::string open_warehouse(Cluster& cluster, int lines_of_each) {
  done(cluster, "/v1/accounts", R"({"id":"works","currency":"GBP"})");
  done(cluster, "/v1/accounts", R"({"id":"rich","currency":"GBP"})");
  done(cluster, "/v1/accounts/rich/deposits",
       R"({"external":"bank","amount":{"amount":100000000000,"currency":"GBP"}})");
  std::string lines;
  for (int i = 0; i < lines_of_each; ++i) {
    const std::string sku = "thing-of-the-warehouse-number-" + std::to_string(i);
    done(cluster, "/v1/products", R"({"sku":")" + sku + R"(","price":{"amount":1,"currency":"GBP"}})");
    done(cluster, "/v1/products/" + sku + "/stock/receipts", R"({"quantity":1000000})");
    lines += (i == 0 ? "" : ",") + (R"({"sku":")" + sku + R"(","quantity":1,"payee":"works"})");
  }
  return R"({"customer":"rich","payees":["works"],"currency":"GBP","lines":[)" + lines + "]}";
}

/// One buyer of these, at one node. Counts whom it was refused by for want of room.
void buy_big(const Cluster& cluster, const std::string& purchase, std::size_t node, std::size_t number,
             std::vector<Asked>& asked, std::mutex& mutex, std::atomic<std::size_t>& refused,
             const std::atomic<bool>& stop) {
  for (int i = 0; !stop; ++i) {
    Asked one{"big-" + std::to_string(number) + "-" + std::to_string(i), {}, node, {}};
    try {
      const Answer answer = cluster.client(node).post("/v1/checkouts", purchase, one.key);
      if (answer.status == 201) one.transaction = answer.text("id");
      if (answer.status == 503 && answer.code() == "storage_full") ++refused;
    } catch (const std::exception&) {  // Not answered: it is asked again in the end.
    }
    const std::lock_guard guard(mutex);
    asked.push_back(std::move(one));
  }
}

bool is_gone(const Cluster& cluster, std::size_t node) {
  try {
    return cluster.client(node).get("/readyz").status == 0;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

TEST_CASE("cluster: the clock of a node is an hour ahead", "[cluster][faults][clock]") { survives_clock(3'600s); }

// Certificates of this test are of this minute: a clock that is further back than they are would find them not yet
// valid.
TEST_CASE("cluster: the clock of a node is some minutes back", "[cluster][faults][clock]") { survives_clock(-240s); }

TEST_CASE("cluster: a node whose clock is an hour ahead is killed", "[cluster][faults][clock]") {
  survives(
      [](Cluster& cluster) {
        cluster.signal(kOdd, SIGKILL);
        cluster.restart(kOdd);
        cluster.connected();
        std::this_thread::sleep_for(300ms);
        cluster.signal(0, SIGKILL);
        cluster.restart(0);
      },
      with_clock(3'600s));
}

TEST_CASE("cluster: the disk of a node is full, until there is room", "[cluster][faults][disk]") {
  if (!SmallDisk::possible()) return;
  Terms terms;
  terms.small_disk = kOdd;
  survives(
      [](Cluster& cluster) {
        const std::string big = open_warehouse(cluster, 40);
        cluster.disk().fill();
        int bought = 0;
        CHECK(within(
            20s,
            [&] {  // A mebibyte is always there beyond what is kept.
              const Answer answer = cluster.client(kOdd).post("/v1/checkouts", big, "big-" + std::to_string(++bought));
              return answer.status == 503 && answer.code() == "storage_full";
            },
            0ms));
        CHECK(open_account(cluster) == std::pair(503U, std::string("storage_full")));
        std::this_thread::sleep_for(300ms);
        cluster.disk().make_room();
        CHECK(within(10s, [&] { return open_account(cluster).first == 201; }));
      },
      terms);
}

// What it has promised it goes on with; what others ask of it now it refuses, and so its room is never used up.
TEST_CASE("cluster: the disk of a node is full, and others ask on", "[cluster][faults][disk]") {
  if (!SmallDisk::possible()) return;
  Terms terms;
  terms.small_disk = kOdd;
  survives(
      [](Cluster& cluster) {
        const std::string big = open_warehouse(cluster, 150);
        cluster.disk().fill();
        std::vector<Asked> asked;
        std::mutex mutex;
        std::atomic<bool> stop{false};
        std::atomic<std::size_t> refused{0};
        {
          std::vector<std::jthread> buyers;
          for (std::size_t i = 0; i < 6; ++i)
            buyers.emplace_back(
                [&, i] { buy_big(cluster, big, (kOdd + 1 + i % 2) % kNodes, i, asked, mutex, refused, stop); });
          const std::shared_ptr<void> in_the_end(nullptr, [&](void*) { stop = true; });
          CHECK(within(60s, [&] { return refused >= 1'000; }));
        }
        CHECK_FALSE(is_gone(cluster, kOdd));
        cluster.disk().make_room();
        CHECK(within(10s, [&] { return open_account(cluster).first == 201; }));
        for (std::size_t i = 0; i < asked.size(); i += 1 + asked.size() / 500) {
          Answer answer;
          CHECK(within(20s, [&] {
            answer = cluster.client(i % kNodes).post("/v1/checkouts", big, asked[i].key);
            return answer.status == 201;
          }));
          CAPTURE(asked[i].key, answer.body);
          if (!asked[i].transaction.empty()) CHECK(answer.text("id") == asked[i].transaction);
        }
      },
      terms);
}

}  // namespace kontor::tests
