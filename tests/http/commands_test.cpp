// The commands over HTTP as a person or a script uses them, against a server of their own.
#include <set>

#include "cmd/kontor/exit_codes.hpp"
#include "tests/cmd/program.hpp"
#include "tests/http/running.hpp"
#include "tests/support/temp_dir.hpp"

using namespace kontor::cmd;
using namespace kontor::tests;

namespace {

/// A server with `--url` for each command.
class Shop {
 public:
  Ended run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--url", served_.url()});
    return run_kontor(arguments);
  }
  /// Must be done; what the server said.
  boost::json::object done(std::vector<std::string> arguments) const {
    arguments.push_back("--json");
    const Ended ended = run(arguments);
    CAPTURE(arguments, ended.lines);
    REQUIRE(ended.exit_code == kExitOk);
    return ended.json();
  }
  void open() const {
    done({"account", "create", "bank", "GBP", "--external"});
    done({"account", "create", "shop", "GBP"});
    done({"account", "create", "alice", "GBP", "--credit-limit", "1GBP"});
    done({"account", "deposit", "alice", "50GBP", "--from", "bank"});
    done({"product", "create", "mug", "12.99GBP"});
    done({"product", "receive", "mug", "10"});
  }

 private:
  kontor::testing::TempDir dir_;
  Running served_ = start(dir_.path() / "shop");
};

std::int64_t amount(const boost::json::object& object, const char* name) {
  return object.at(name).as_object().at("amount").as_int64();
}

}  // namespace

TEST_CASE("commands: a shop's day", "[http][program]") {
  const Shop shop;
  shop.open();
  CHECK(shop.done({"product", "price", "mug", "10 GBP", "--expected-version", "1"}).at("outcome") == "committed");
  CHECK(shop.done({"product", "adjust", "mug", "-2"}).at("outcome") == "committed");
  CHECK(shop.done({"product", "get", "mug"}).at("version") == 2);

  const auto bought = shop.done({"checkout", "--customer", "alice", "--payee", "shop", "--currency", "GBP", "mug=2"});
  const std::string order(bought.at("order").as_string()), transaction(bought.at("id").as_string());
  CHECK(amount(shop.done({"account", "get", "alice"}), "balance") == 3000);
  CHECK(shop.done({"product", "stock", "mug"}).at("on_hand") == 6);
  CHECK(shop.done({"transaction", "get", transaction}).at("order").as_string() == order);
  CHECK(shop.done({"explain", order}).at("order").as_object().at("status") == "placed");

  shop.done({"order", "fulfil", order, "0=1"});
  shop.done({"order", "refund", order, "0=1", "--no-restock"});
  CHECK(shop.done({"order", "get", order}).at("payment") == "partially_refunded");
  shop.done({"account", "transfer", "shop", "1GBP", "--to", "alice"});
  shop.done({"account", "withdraw", "alice", "1GBP", "--to", "bank"});
  CHECK(amount(shop.done({"account", "get", "alice"}), "balance") == 4000);
}

TEST_CASE("commands: stock is reserved, then committed or released", "[http][program]") {
  const Shop shop;
  shop.open();
  const std::vector<std::string> create{"reservation", "create",     "--customer", "alice", "--payee",
                                        "shop",        "--currency", "GBP",        "--for", "10m"};
  const auto reserve = [&](const std::string& line) {
    auto arguments = create;
    arguments.push_back(line);
    return std::string(shop.done(arguments).at("reservation").as_string());
  };
  const std::string paid = reserve("mug=2"), given_back = reserve("mug=8@1");
  CHECK(shop.done({"product", "stock", "mug"}).at("available") == 0);
  CHECK(shop.done({"reservation", "get", paid}).at("status") == "reserved");
  CHECK(shop.done({"explain", paid}).at("reservation").as_object().at("status") == "reserved");
  const auto order = shop.done({"reservation", "commit", paid}).at("order");
  CHECK(shop.done({"order", "get", std::string(order.as_string())}).at("payment") == "paid");
  shop.done({"reservation", "release", given_back});
  CHECK(shop.done({"product", "stock", "mug"}).at("available") == 8);
  CHECK(shop.run({"reservation", "commit", given_back}).exit_code == kExitCheckFailed);
  for (const std::string wrong : {"mug", "mug=0", "mug=x"}) {
    auto arguments = create;
    arguments.push_back(wrong);
    CHECK(shop.run(arguments).exit_code == kExitUsage);
  }
  auto arguments = create;
  arguments.back() = "soon", arguments.push_back("mug=1");
  CHECK(shop.run(arguments).exit_code == kExitUsage);
}

TEST_CASE("commands: people see tables, scripts JSON, and both the reason of a refusal", "[http][program]") {
  const Shop shop;
  shop.open();
  const Ended stock = shop.run({"product", "stock", "mug"});
  CHECK(stock.exit_code == kExitOk);
  CHECK(std::count(stock.lines.begin(), stock.lines.end(), "on hand    10") == 1);

  const std::vector<std::string> too_many{"checkout", "--customer", "alice", "--payee",
                                          "shop",     "--currency", "GBP",   "mug=11@1"};
  const Ended refused = shop.run(too_many);
  CHECK(refused.exit_code == kExitCheckFailed);
  CHECK(refused.lines.empty());
  auto with_json = too_many;
  with_json.push_back("--json");
  const Ended problem = shop.run(with_json);
  CHECK(problem.exit_code == kExitCheckFailed);
  CHECK(problem.json().at("code") == "out_of_stock");
  CHECK(problem.json().at("param") == "/lines/0/quantity");
}

TEST_CASE("commands: the same key has one effect", "[http][program]") {
  const Shop shop;
  shop.open();
  const std::vector<std::string> receive{"product", "receive", "mug", "5", "--idempotency-key", "delivery 7"};
  CHECK(shop.done(receive).at("id") == shop.done(receive).at("id"));
  CHECK(shop.done({"product", "stock", "mug"}).at("on_hand") == 15);
  shop.done({"product", "receive", "mug", "5"});
  shop.done({"product", "receive", "mug", "5"});
  CHECK(shop.done({"product", "stock", "mug"}).at("on_hand") == 25);
}

TEST_CASE("commands: events come in order, products in pages", "[http][program]") {
  const Shop shop;
  shop.open();
  const Ended all = shop.run({"events", "--limit", "2"});  // Of one answer; the command goes on.
  REQUIRE(all.lines.size() == 6);
  CHECK(all.lines[3].ends_with("deposit 50.00 GBP from bank to alice"));
  const Ended last = shop.run({"events", "--json"});
  REQUIRE(last.lines.size() == 6);
  CHECK(last.json().at("kind") == "receive_stock");
  CHECK(shop.run({"events", "--after", std::string(last.json().at("cursor").as_string())}).lines.empty());

  shop.done({"product", "create", "cup", "1GBP"});
  CHECK(shop.run({"product", "list", "--all", "--limit", "1", "--json"}).lines.size() == 2);
  const Ended second = shop.run({"product", "list", "--starting-after", "mug", "--json"});
  REQUIRE(second.lines.size() == 1);
  CHECK(second.json().at("sku") == "cup");
}

TEST_CASE("commands: orders of a customer and entries of an account come newest first", "[http][program]") {
  const Shop shop;
  shop.open();
  std::vector<std::string> orders;
  for (int i = 0; i < 3; ++i) {
    const auto bought =
        shop.done({"checkout", "--customer", "alice", "--payee", "shop", "--currency", "GBP", "mug=1@1"});
    orders.insert(orders.begin(), std::string(bought.at("order").as_string()));
  }
  const auto listed = [](const Ended& ended, const char* member) {
    std::vector<std::string> out;
    for (const std::string& line : ended.lines) out.emplace_back(boost::json::parse(line).at(member).as_string());
    return out;
  };
  CHECK(listed(shop.run({"order", "list", "--customer", "alice", "--all", "--limit", "1", "--json"}), "id") == orders);
  CHECK(listed(shop.run({"order", "list", "--payee", "shop", "--starting-after", orders[0], "--json"}), "id") ==
        std::vector<std::string>(orders.begin() + 1, orders.end()));
  CHECK(shop.run({"order", "list", "--customer", "alice", "--payee", "alice"}).exit_code == kExitOk);
  const Ended entries = shop.run({"account", "entries", "alice", "--all", "--limit", "3", "--json"});
  REQUIRE(entries.lines.size() == 4);
  CHECK(boost::json::parse(entries.lines[0]).at("order").as_string() == orders[0]);
  CHECK(boost::json::parse(entries.lines[0]).at_pointer("/balance/amount") == 4700);
  CHECK(shop.run({"account", "entries", "nobody"}).exit_code == kExitCheckFailed);
  CHECK(shop.run({"order", "list"}).exit_code == kExitCheckFailed);
}

TEST_CASE("commands: a running server is audited", "[http][program]") {
  const Shop shop;
  shop.open();
  shop.done({"checkout", "--customer", "alice", "--payee", "shop", "--currency", "GBP", "mug=1"});
  const auto report = shop.done({"audit"});
  CHECK(report.at("clean") == true);
  CHECK(report.at("accounts") == 3);
  CHECK(report.at("entries") == 4);
  const Ended told = shop.run({"audit"});
  REQUIRE(told.lines.size() == 1);
  CHECK(told.lines[0] == "clean: 7 requests, 4 entries, 3 accounts, 1 products");
  CHECK(run_kontor({"audit"}).exit_code == kExitUsage);
  CHECK(run_kontor({"audit", "--url", "http://127.0.0.1:1"}).exit_code == kExitUnavailable);
}

TEST_CASE("commands: any path can be read", "[http][program]") {
  const Shop shop;
  CHECK(shop.run({"get", "/healthz"}).json().at("status") == "alive");
  CHECK(shop.run({"get", "/metrics"}).lines.size() > 10);
  CHECK(shop.run({"get", "/v1/orders/nonsense"}).exit_code == kExitCheckFailed);
  CHECK(shop.run({"get", "healthz"}).exit_code == kExitUsage);
  CHECK(run_kontor({"get", "/healthz", "--url", "http://127.0.0.1:1"}).exit_code == kExitUnavailable);
  CHECK(run_kontor({"get", "/healthz", "--url", "127.0.0.1"}).exit_code == kExitUsage);
}

TEST_CASE("completion: shells take the scripts, which name every command", "[http][program]") {
  const kontor::testing::TempDir dir;
  const auto names = [](const std::vector<std::string>& arguments) {  // As --help lists them.
    std::set<std::string> found;
    bool listed = false;
    for (const std::string& line : run_kontor(arguments).lines) {
      if (listed && line.starts_with("  ") && line.size() > 2 && line[2] != ' ')
        found.insert(line.substr(2, line.find(' ', 2) - 2));
      listed = (listed && !line.empty()) || line == "Subcommands:";
    }
    return found;
  };
  const auto commands = names({"--help"});
  REQUIRE(commands.contains("serve"));
  REQUIRE(commands.contains("completion"));
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Ended script = run_kontor({"completion", shell});
    CHECK(script.exit_code == kExitOk);
    std::string text;
    for (const std::string& line : script.lines) text += line + "\n";
    for (const std::string& command : commands) {
      CAPTURE(shell, command);
      CHECK(text.find("/" + command) != std::string::npos);
      for (const std::string& one : names({command, "--help"}))
        CHECK(text.find("/" + command + "/" + one) != std::string::npos);
    }
    CHECK(text.find("idempotency-key") != std::string::npos);
    CHECK(text.find("answered-fd") == std::string::npos);  // Hidden.
  }
  CHECK(run_kontor({"completion", "csh"}).exit_code == kExitUsage);
  // What bash itself offers after `kontor product cr` and after `kontor prod`.
  const std::string tried =
      "bash -n <(\"$0\" completion bash) && . <(\"$0\" completion bash) && "
      "COMP_WORDS=(kontor product cr) COMP_CWORD=2 && _kontor && echo \"${COMPREPLY[*]}\" && "
      "COMP_WORDS=(kontor product create --url '') COMP_CWORD=4 && _kontor && "
      "echo \"[${COMPREPLY[*]}]\"";
  auto bash = Child::start("/bin/bash", {"-c", tried, KONTOR_PROGRAM});
  REQUIRE(bash);
  std::vector<std::string> lines;
  while (!bash->output_ended())
    if (auto line = bash->line(std::chrono::seconds(1))) lines.push_back(*line);
  CHECK(bash->wait() == 0);
  CHECK(lines == std::vector<std::string>{"create", "[]"});
}
