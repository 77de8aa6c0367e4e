#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <caf/all.hpp>

/// The ceiling: what the shape of Kontor's engine can do at most. Four CAF actors hand whole batches to each other, one
/// thread commits all that is queued to LMDB with fsync. They vote for real, but they forget: ids are integers, there
/// is no recovery, no ledger, no order to read back, no checkpoint. An engine of this shape that keeps its promises is
/// measured as a share of this. Not part of the product; nothing here is called by it.
namespace kontor::ceiling {

inline constexpr std::uint32_t kAccounts = 100'000;
inline constexpr std::uint32_t kMerchants = 10'000;  ///< Of the accounts, the last ones.
inline constexpr std::uint32_t kSkus = 10'000;
inline constexpr std::size_t kLines = 3;

struct Line {
  std::uint32_t sku = 0, quantity = 0;
  std::int64_t price = 0;
};
struct Checkout {
  std::uint64_t id = 0;
  std::array<std::uint64_t, 2> key{};
  std::uint32_t payer = 0, payee = 0;
  std::array<Line, kLines> lines{};
  std::chrono::steady_clock::time_point started;

  std::int64_t total() const {
    std::int64_t sum = 0;
    for (const Line& line : lines) sum += line.price * line.quantity;
    return sum;
  }
};

/// What one flush of the coordinator took in. Written by the coordinator only, and only while nobody else reads.
struct Batch {
  std::uint64_t number = 0;
  std::vector<Checkout> checkouts;
  std::vector<std::uint8_t> accepted;
};
using SharedBatch = std::shared_ptr<Batch>;

// Messages. They stay in the process, as the shared pointers say.
struct Submit {
  std::vector<Checkout> checkouts;
};
struct Flush {};
struct Prepare {
  SharedBatch batch;
};
struct Vote {
  SharedBatch batch;
  std::vector<std::uint8_t> yes;
};
struct Durable {
  std::uint64_t batch = 0;
};
struct Decided {
  SharedBatch batch;
};

}  // namespace kontor::ceiling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Submit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Prepare)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Vote)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Durable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kontor::ceiling::Decided)
