#include "bench/ceiling/group_commit.hpp"

#include <cstdio>
#include <cstdlib>

#include <lmdb.h>

namespace kontor::ceiling {
namespace {

constexpr std::size_t kMapBytes = std::size_t{256} << 30;
constexpr std::array<const char*, kStreams> kNames = {"coordinator", "order", "payment", "inventory"};

void must(int outcome) {
  if (outcome == MDB_SUCCESS) return;
  std::fprintf(stderr, "ceiling: %s\n", mdb_strerror(outcome));
  std::abort();
}

}  // namespace

GroupCommit::GroupCommit(const std::filesystem::path& dir) {
  std::filesystem::create_directories(dir);
  must(mdb_env_create(&env_));
  must(mdb_env_set_mapsize(env_, kMapBytes));
  must(mdb_env_set_maxdbs(env_, kStreams));
  must(mdb_env_open(env_, dir.c_str(), 0, 0644));
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction));
  for (std::size_t i = 0; i < kStreams; ++i)
    must(mdb_dbi_open(transaction, kNames[i], MDB_CREATE | MDB_INTEGERKEY, &databases_[i]));
  must(mdb_txn_commit(transaction));
}

GroupCommit::~GroupCommit() {
  stop();
  mdb_env_close(env_);
}

void GroupCommit::start(OnDurable on_durable) {
  on_durable_ = std::move(on_durable);
  thread_ = std::thread([this] { run(); });
}

void GroupCommit::append(Stream stream, std::string record, std::uint64_t decided) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = queue_.empty();
    queue_.push_back({stream, std::move(record), decided});
  }
  if (first) wake_.notify_one();
}

void GroupCommit::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void GroupCommit::run() {
  std::vector<Record> records;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      records.swap(queue_);
    }
    if (const std::uint64_t decided = commit(records)) on_durable_(decided);
    records.clear();
  }
}

std::uint64_t GroupCommit::commit(std::vector<Record>& records) {
  std::uint64_t decided = 0;
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction));
  for (Record& record : records) {
    const auto stream = static_cast<std::size_t>(record.stream);
    std::size_t number = ++next_[stream];
    MDB_val key{sizeof number, &number};
    MDB_val value{record.bytes.size(), record.bytes.data()};
    must(mdb_put(transaction, databases_[stream], &key, &value, MDB_APPEND));
    bytes_ += record.bytes.size();
    if (record.decided != 0) decided = record.decided;
  }
  must(mdb_txn_commit(transaction));
  ++commits_;
  return decided;
}

}  // namespace kontor::ceiling
