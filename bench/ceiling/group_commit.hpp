#pragma once
#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct MDB_env;

namespace kontor::ceiling {

enum class Stream : std::uint8_t { coordinator, order, payment, inventory };
inline constexpr std::size_t kStreams = 4;

/// One LMDB environment, one named database per stream, one thread that writes: each commit takes all that is queued.
class GroupCommit {
 public:
  /// Called on the writer's thread with the newest batch that is on disk, decision included.
  using OnDurable = std::function<void(std::uint64_t batch)>;

  explicit GroupCommit(const std::filesystem::path& dir);
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  void start(OnDurable on_durable);
  /// `decided`: the batch whose decisions the record holds; 0: none.
  void append(Stream stream, std::string record, std::uint64_t decided = 0);
  /// Writes what is queued and ends the thread.
  void stop();

  std::uint64_t commits() const { return commits_; }  ///< After `stop`.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Record {
    Stream stream;
    std::string bytes;
    std::uint64_t decided;
  };
  void run();
  std::uint64_t commit(std::vector<Record>& records);

  MDB_env* env_ = nullptr;
  std::array<unsigned, kStreams> databases_{};
  std::array<std::size_t, kStreams> next_{};
  std::uint64_t commits_ = 0, bytes_ = 0;
  OnDurable on_durable_;
  std::mutex mutex_;  // Guards the next two.
  std::vector<Record> queue_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace kontor::ceiling
