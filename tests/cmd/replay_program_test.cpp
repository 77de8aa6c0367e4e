// `kontor replay` as its users run it: the program, a file, a directory.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include <zlib.h>

#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/temporary_directory.hpp"
#include "persistence/directory_lock.hpp"
#include "persistence/store.hpp"
#include "tests/cmd/program.hpp"
#include "tests/cmd/random_invoices.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace kontor::cmd;
using kontor::tests::Ended;
using kontor::tests::random_invoices;
using kontor::tests::run_kontor;
namespace fs = std::filesystem;

const std::string kSample = KONTOR_TEST_DATA "/replay_sample.csv";

TemporaryDirectory scratch() {
  auto made = TemporaryDirectory::make();
  REQUIRE(made);
  return std::move(*made);
}

std::string write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path.string();
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string gzip(const fs::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file);
  CHECK(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(gzclose(file) == Z_OK);
  return path.string();
}

/// What the sample comes to, reckoned by hand.
void check_sample(const boost::json::object& report) {
  const auto figure = [&](const char* name) { return report.at(name).to_number<std::int64_t>(); };
  CHECK(figure("rows") == 27);
  CHECK(figure("rows_booked") == 15);
  CHECK(report.at("rows_refused") == boost::json::value{{"fractional_pence", 1},
                                                        {"invalid_argument", 1},
                                                        {"invoice_prefix", 1},
                                                        {"mixed_customer", 1},
                                                        {"negative_price", 1},
                                                        {"unreadable_row", 3},
                                                        {"wrong_sign", 2},
                                                        {"zero_price", 1},
                                                        {"zero_quantity", 1}});
  CHECK(figure("checkouts") == 5);
  CHECK(figure("refunds") == 3);
  CHECK(figure("refunds_unmatched_rows") == 3);
  CHECK(figure("adjustments") == 1);
  CHECK(figure("gross_pence") == 4740);
  CHECK(figure("refunded_pence") == 6245);
  CHECK(figure("units_sold") == 23);
  CHECK(figure("units_returned") == 18);
  CHECK(figure("units_adjusted") == -3);
  CHECK(figure("customers") == 4);
  CHECK(figure("skus") == 4);
  CHECK(figure("troubles_total") == 0);
  const boost::json::object& audit = report.at("audit").as_object();
  CHECK(audit.at("clean").as_bool());
  CHECK(audit.at("accounts").to_number<int>() == 6);
  CHECK(audit.at("products").to_number<int>() == 4);
  CHECK(audit.at("orders").to_number<int>() == 5);
}

TEST_CASE("replay: the sample comes to what was reckoned by hand, plain and gzip", "[cmd][replay]") {
  const auto dir = scratch();
  const std::string packed = gzip(dir.path() / "sample.gz", bytes_of(kSample));
  for (const std::string& file : {kSample, packed}) {
    const Ended ended = run_kontor({"replay", file, "--json"});
    CHECK(ended.exit_code == kExitOk);
    REQUIRE(ended.lines.size() == 1);
    check_sample(ended.json());
  }
}

TEST_CASE("replay: a directory keeps what was booked, on one shard or more", "[cmd][replay]") {
  const std::string shards = GENERATE("1", "3");
  const auto dir = scratch();
  const std::string data = (dir.path() / "data").string();
  const Ended first = run_kontor({"replay", kSample, "--json", "--data", data, "--shards", shards});
  CHECK(first.exit_code == kExitOk);
  check_sample(first.json());
  const Ended second = run_kontor({"replay", kSample, "--json", "--data", data});
  CHECK(second.exit_code == kExitOk);
  CHECK(second.lines == first.lines);

  SECTION("a longer edition of the file books what is new") {
    const std::string row = "100020,CUP,,1,2011-01-11 10:00:00,1.00,12003.0,France\n";
    const std::string longer = write(dir.path() / "longer.csv", bytes_of(kSample) + row);
    const Ended ended = run_kontor({"replay", longer, "--json", "--data", data});
    CHECK(ended.exit_code == kExitOk);
    CHECK(ended.json().at("checkouts").to_number<int>() == 6);
  }
  SECTION("another file with the same invoice numbers is told apart") {
    std::string text = bytes_of(kSample);
    text.replace(text.find(",6,2011"), 7, ",9,2011");
    const Ended ended = run_kontor({"replay", write(dir.path() / "other.csv", text), "--json", "--data", data});
    CHECK(ended.exit_code == kExitCheckFailed);
    CHECK(ended.json().at("rows_refused").at("idempotency_key_reused").to_number<int>() > 0);
    CHECK(ended.json().at("troubles_total").to_number<int>() > 0);
    CHECK(ended.json().at("audit").at("clean").as_bool());
  }
}

TEST_CASE("replay: killed while the shards are made and run again, it makes them all", "[cmd][replay]") {
  const TemporaryDirectory dir = scratch();
  const fs::path cut = dir.path() / "cut", whole = dir.path() / "whole";
  const auto found = static_cast<kontor::ShardId>(GENERATE(1, 2));
  for (kontor::ShardId id = 0; id < found; ++id)  // As far as the killed run came: files, and nothing in them.
    REQUIRE(kontor::persistence::Store::open({kontor::persistence::shard_dir(cut, id)}));
  const auto replay = [](const fs::path& data, const char* shards) {
    return run_kontor({"replay", kSample, "--json", "--data", data.string(), "--shards", shards});
  };
  const Ended again = replay(cut, "3");
  CHECK(again.exit_code == kExitOk);
  CHECK(again.lines == replay(whole, "3").lines);
  CHECK(replay(cut, "4").exit_code == kExitBadData);  // Now the number is fixed.
}

TEST_CASE("replay: refused rows are listed with line, invoice, code and reason", "[cmd][replay]") {
  const Ended json = run_kontor({"replay", kSample, "--json", "--list-refused"});
  const boost::json::object report = json.json();
  const boost::json::array& refused = report.at("refused").as_array();
  std::vector<int> lines;
  for (const auto& row : refused) lines.push_back(row.at("line").to_number<int>());
  CHECK(lines == std::vector<int>{14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 28});
  CHECK(refused[0] ==
        boost::json::value{
            {"line", 14}, {"invoice", "100008"}, {"code", "fractional_pence"}, {"reason", "UnitPrice \"0.001\""}});
  const Ended table = run_kontor({"replay", kSample, "--list-refused"});
  CHECK(table.exit_code == kExitOk);
  const auto listed = std::find_if(table.lines.begin(), table.lines.end(),
                                   [](const std::string& line) { return line.find("A100009") != line.npos; });
  REQUIRE(listed != table.lines.end());
  CHECK(listed->find("15") != std::string::npos);
  CHECK(listed->find("invoice_prefix") != std::string::npos);
}

TEST_CASE("replay: each way to fail has its exit code", "[cmd][replay]") {
  const auto dir = scratch();
  const std::string data = (dir.path() / "data").string();
  const std::string packed = gzip(dir.path() / "sample.gz", bytes_of(kSample));
  const std::string cut = write(dir.path() / "cut.gz", bytes_of(packed).substr(0, 200));
  const std::string text = write(dir.path() / "text.csv", "InvoiceNo,StockCode\n1,A\n");
  CHECK(run_kontor({"replay"}).exit_code == kExitUsage);
  CHECK(run_kontor({"replay", kSample, "--shards", "0"}).exit_code == kExitUsage);
  CHECK(run_kontor({"replay", kSample, "--what"}).exit_code == kExitUsage);
  CHECK(run_kontor({"replay", "/nowhere.csv", "--data", data}).exit_code == kExitBadData);
  CHECK(run_kontor({"replay", text, "--data", data}).exit_code == kExitBadData);
  CHECK(run_kontor({"replay", cut, "--data", data}).exit_code == kExitBadData);
  CHECK_FALSE(fs::exists(data));  // An unreadable file costs no directory.
  CHECK(run_kontor({"replay", kSample, "--json", "--data", data}).exit_code == kExitOk);
  CHECK(run_kontor({"replay", kSample, "--data", data, "--shards", "2"}).exit_code == kExitBadData);
}

TEST_CASE("replay: a file without rows is a report of zeros", "[cmd][replay]") {
  const auto dir = scratch();
  const std::string head = bytes_of(kSample);
  const Ended ended =
      run_kontor({"replay", write(dir.path() / "empty.csv", head.substr(0, head.find('\n'))), "--json"});
  CHECK(ended.exit_code == kExitOk);
  CHECK(ended.json().at("rows").to_number<int>() == 0);
  CHECK(ended.json().at("rows_refused").as_object().empty());
  CHECK(ended.json().at("audit").at("clean").as_bool());
}

TEST_CASE("replay: killed anywhere and run again, the report is the same to the byte", "[cmd][replay]") {
  using Clock = std::chrono::steady_clock;
  const std::string shards = GENERATE("1", "3");
  const unsigned seed = std::random_device{}();
  CAPTURE(shards, seed);
  std::mt19937 random(seed);
  const auto dir = scratch();
  const std::string file = write(dir.path() / "shop.csv", random_invoices(seed, 1'200));

  const auto begin = Clock::now();
  const Ended undisturbed = run_kontor({"replay", file, "--json", "--list-refused", "--shards", shards});
  const auto whole_us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
  REQUIRE(undisturbed.exit_code == kExitOk);
  CHECK(undisturbed.json().at("refunds_unmatched_rows").to_number<int>() > 0);

  const std::string data = (dir.path() / "data").string();
  const std::vector<std::string> again = {"replay",   file,   "--json", "--list-refused",
                                          "--shards", shards, "--data", data};
  int killed = 0;
  for (int run = 0; run < 6; ++run) {
    auto child = Child::start(KONTOR_PROGRAM, again);
    REQUIRE(child);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % static_cast<unsigned long>(whole_us)));
    child->kill();
    killed += child->wait() == 128 + SIGKILL;
  }
  CHECK(killed > 0);
  const Ended last = run_kontor(again);
  CHECK(last.exit_code == kExitOk);
  CHECK(last.lines == undisturbed.lines);
}

}  // namespace
