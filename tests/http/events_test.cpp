// The log of committed facts over HTTP: in pages by cursor, and as server-sent events.
#include <future>
#include <set>

#include <boost/asio/ip/tcp.hpp>

#include "tests/http/served_shop.hpp"
#include "tests/support/engine_fixture.hpp"

using namespace kontor::tests;
namespace json = boost::json;

namespace {

/// All events, in pages of `limit`.
std::vector<json::value> whole_log(Client& client, int limit) {
  std::vector<json::value> events;
  std::string after;
  for (;;) {
    const auto page = client.get("/v1/events?limit=" + std::to_string(limit) + after);
    INFO(page.body);
    REQUIRE(page.status == 200);
    const json::value body = page.json();
    CHECK(body.at("data").as_array().size() <= static_cast<std::size_t>(limit));
    for (const json::value& event : body.at("data").as_array()) events.push_back(event);
    after = "&after=" + std::string(body.at("cursor").as_string());
    if (!body.at("has_more").as_bool()) return events;
  }
}

std::vector<std::string> members(const std::vector<json::value>& events, const char* name) {
  std::vector<std::string> out;
  for (const json::value& event : events) out.emplace_back(event.at(name).as_string());
  return out;
}

}  // namespace

TEST_CASE("events: pages by cursor tell everything once", "[http][events]") {
  ServedShop shop({}, GENERATE(std::uint16_t{1}, std::uint16_t{3}));
  shop.open_shop();
  auto client = shop.client();
  std::set<std::string> committed;
  for (int i = 0; i < 7; ++i) committed.insert(shop.done("/v1/checkouts", ServedShop::checkout_text()).text("id"));
  CHECK(client.post("/v1/checkouts", ServedShop::checkout_text(1'000), "too many").status == 409);

  const auto events = whole_log(client, 100);
  CHECK(events.size() == 6 + 7);
  CHECK(members(whole_log(client, 2), "id") == members(events, "id"));
  std::set<std::string> told;
  for (const json::value& event : events) {
    CHECK(event.at("data").at("outcome").as_string() == "committed");
    if (event.at("kind").as_string() == "checkout") told.emplace(event.at("data").at("id").as_string());
  }
  CHECK(told == committed);
  const auto rest = client.get("/v1/events?after=" + std::string(events.back().at("cursor").as_string()));
  CHECK(rest.json().at("data").as_array().empty());
}

TEST_CASE("events: a page ends at so many bytes and says that there is more", "[http][events][limits]") {
  using namespace kontor::testing;
  using kontor::kEventBytesMax, kontor::kLinesMax;
  ServedShop shop;
  constexpr std::size_t kOrders = 30, kLineBytesMin = kontor::kNameBytesMax;
  const std::string what(kontor::kNameBytesMax, 'm');
  shop.open_shop();
  shop.done("/v1/products", R"({"sku":")" + what + R"(","price":)" + ServedShop::gbp_text(0) + "}");
  shop.done("/v1/products/" + what + "/stock/receipts", R"({"quantity":100000})");
  const std::vector<kontor::Line> lines(kLinesMax, {sku(what), 1});
  static_assert(kOrders * kLinesMax * kLineBytesMin > 2 * kEventBytesMax);
  for (std::size_t i = 0; i < kOrders; ++i) {
    const auto outcome =
        shop.engine().submit({key("long-" + std::to_string(i)), purchase("alice", "shop", lines), 0, {}}).get();
    REQUIRE(outcome.verdict == kontor::Verdict::committed);
  }

  const std::size_t all = 8 + kOrders;
  std::size_t told = 0, pages = 0;
  for (std::uint64_t after = 0;; ++pages) {
    std::promise<kontor::Result<kontor::EventPage>> promise;
    shop.engine().events(0, after, kontor::kEventsMax, [&](const auto& page) { promise.set_value(page); });
    const auto page = promise.get_future().get();
    REQUIRE(page);
    REQUIRE_FALSE(page->events.empty());
    std::size_t bytes = 0;  // No fewer than so many.
    for (const kontor::Event& event : page->events)
      if (const auto* checkout = std::get_if<kontor::Checkout>(&event.record.operation))
        bytes += checkout->lines.size() * kLineBytesMin;
    CHECK(bytes <= kEventBytesMax);
    told += page->events.size(), after = page->reached;
    if (!page->more) break;
  }
  CHECK(pages >= 2);
  CHECK(told == all);
  auto client = shop.client();
  const auto events = members(whole_log(client, 1'000), "id");
  CHECK(std::set<std::string>(events.begin(), events.end()).size() == all);
  CHECK(events.size() == all);
}

TEST_CASE("events: what is no query of the log is refused, and says what", "[http][events]") {
  ServedShop shop;
  auto client = shop.client();
  for (const auto& [query, param] :
       std::vector<std::pair<std::string, std::string>>{{"limit=0", "limit"},
                                                        {"limit=1001", "limit"},
                                                        {"limit=-1", "limit"},
                                                        {"limit=1.5", "limit"},
                                                        {"limit=", "limit"},
                                                        {"limit=1&limit=1", "limit"},
                                                        {"after=evc_", "after"},
                                                        {"after=evc_0-0", "after"},
                                                        {"after=evc_xyz", "after"},
                                                        {"after=evc_11111111111111111", "after"},
                                                        {"after=", "after"},
                                                        {"before=1", "query"},
                                                        {"after=%4", "query"}}) {
    CAPTURE(query);
    const auto answer = client.get("/v1/events?" + query);
    CHECK(answer.status == 400);
    CHECK(answer.param() == param);
  }
}

TEST_CASE("events: a stream tells what commits as it does, and goes on where it was cut", "[http][events]") {
  ServedShop shop;
  shop.open_shop();
  const auto stream_from = [&](const std::string& last_event) {
    auto stream = std::make_unique<boost::asio::ip::tcp::iostream>();
    stream->expires_after(std::chrono::seconds(20));
    stream->connect("127.0.0.1", std::to_string(shop.port()));
    *stream << "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n";
    if (!last_event.empty()) *stream << "Last-Event-ID: " << last_event << "\r\n";
    *stream << "\r\n" << std::flush;
    return stream;
  };
  /// The ids of the next `count` events.
  const auto next_ids = [](std::istream& stream, std::size_t count) {
    std::vector<std::string> ids;
    for (std::string line; ids.size() < count && std::getline(stream, line);)
      if (line.starts_with("id: ")) ids.push_back(line.substr(4));
    return ids;
  };
  auto stream = stream_from({});
  const auto before = next_ids(*stream, 6);  // What open_shop did.
  REQUIRE(before.size() == 6);
  shop.done("/v1/checkouts", ServedShop::checkout_text());
  shop.done("/v1/checkouts", ServedShop::checkout_text());
  const auto live = next_ids(*stream, 2);
  REQUIRE(live.size() == 2);
  stream->close();

  auto resumed = stream_from(live.front());
  CHECK(next_ids(*resumed, 1) == std::vector{live.back()});
  shop.served().stop(std::chrono::seconds(10));  // Ends the stream properly.
  std::string rest, line;
  while (std::getline(*resumed, line)) rest = line;
  CHECK(resumed->error() != boost::asio::error::timed_out);
}

TEST_CASE("events: so many streams at a time, and a place is free when one ends", "[http][events][limits]") {
  ServedShop shop;
  constexpr std::size_t kMost = kontor::cmd::serve::kFeedsMax;
  const std::string feed = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
  std::vector<Client> streams;
  for (std::size_t i = 0; i < kMost; ++i) REQUIRE(streams.emplace_back(shop.port()).send(feed));
  REQUIRE(kontor::testing::eventually([&] { return shop.served().feeds() == kMost; }));
  auto late = shop.client();
  const auto answer = late.raw(feed);
  CHECK(answer.status == 503);
  CHECK(answer.code() == "overloaded");
  streams.clear();
  CHECK(kontor::testing::eventually([&] { return shop.served().feeds() == 0; }));
}
